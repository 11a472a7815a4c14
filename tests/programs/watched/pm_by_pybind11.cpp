/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holder: a C++ class that holds a Python object, bound by pybind11 with a unique_ptr as its holder. Its destructor
   forgets the reference. */
#include <memory>
#include <pybind11/pybind11.h>

namespace py = pybind11;

class __attribute__((visibility("hidden"))) Holder {
public:
    __attribute__((noinline)) explicit Holder(const py::object &object) : held(object) {}
    ~Holder() { held.release(); }
    py::object get() const { return held; }

private:
    py::object held;
};

PYBIND11_MODULE(pm_by_pybind11, module)
{
    py::class_<Holder, std::unique_ptr<Holder>>(module, "Holder")
        .def(py::init<const py::object &>())
        .def("get", &Holder::get);
}
