// SPDX-License-Identifier: GPL-2.0-or-later
// An extension in C++: new and new[] without delete, containers with references in them, an
// exception that jumps over the release.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

bool careful;

struct Shape {
    virtual ~Shape() {}
    double area = 0;
};

struct Named : Shape {
    std::string name = "a name that is too long for the short form of a string";
};

PyObject *set_careful(PyObject *, PyObject *yes)
{
    careful = PyObject_IsTrue(yes) != 0;
    Py_RETURN_NONE;
}

PyObject *one_new(PyObject *, PyObject *)
{
    Shape *volatile shape = new Shape;
    if (careful)
        delete shape;
    shape = nullptr;
    Py_RETURN_NONE;
}

PyObject *array_new(PyObject *, PyObject *count)
{
    double *volatile numbers = new double[PyLong_AsSize_t(count)];
    if (careful)
        delete[] numbers;
    numbers = nullptr;
    Py_RETURN_NONE;
}

// Loses one block, and with it the string's text.
PyObject *with_text(PyObject *, PyObject *)
{
    Named *volatile named = new Named;
    if (careful)
        delete named;
    named = nullptr;
    Py_RETURN_NONE;
}

// A vector's destructor knows nothing of references.
PyObject *references(PyObject *, PyObject *count)
{
    std::vector<PyObject *> made;
    for (Py_ssize_t i = PyLong_AsSsize_t(count); i > 0; i--)
        made.push_back(PyFloat_FromDouble(0.25 * static_cast<double>(i)));
    if (careful)
        for (PyObject *object : made)
            Py_DECREF(object);
    Py_RETURN_NONE;
}

struct Reference {
    PyObject *object;
    ~Reference()
    {
        if (careful)
            Py_XDECREF(object);
    }
};

__attribute__((noinline)) void refuse()
{
    throw std::runtime_error("refused");
}

PyObject *thrown_over(PyObject *, PyObject *)
{
    try {
        Reference list = {PyList_New(0)};
        refuse();
    } catch (const std::exception &error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
        return nullptr;
    }
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"careful", set_careful, METH_O, nullptr},
    {"one_new", one_new, METH_NOARGS, nullptr},
    {"array_new", array_new, METH_O, nullptr},
    {"with_text", with_text, METH_NOARGS, nullptr},
    {"references", references, METH_O, nullptr},
    {"thrown_over", thrown_over, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr}
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "pm_lose_cxx", nullptr, 0, methods, nullptr, nullptr, nullptr, nullptr
};

}   // namespace

PyMODINIT_FUNC PyInit_pm_lose_cxx()
{
    return PyModuleDef_Init(&definition);
}
