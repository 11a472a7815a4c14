/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A class bound with pybind11, whose instances get a reference too many. */
#include <pybind11/pybind11.h>

namespace py = pybind11;

struct Button {
    int number = 3;
};

PYBIND11_MODULE(pm_bound, module)
{
    py::class_<Button>(module, "Button").def(py::init<>());
    module.def("keep", [](py::object object) { object.inc_ref(); });
    module.def("make", [] {
        py::object made = py::cast(new Button, py::return_value_policy::take_ownership);
        made.inc_ref();
    });
}
