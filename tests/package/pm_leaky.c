/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An extension that leaks in three ways. */
#include <Python.h>

static PyObject *lose_list(PyObject *self, PyObject *none)
{
    (void)self;
    (void)none;
    PyList_New(3);
    Py_RETURN_NONE;
}

static PyObject *lose_memory(PyObject *self, PyObject *none)
{
    (void)self;
    (void)none;
    PyMem_RawMalloc(100);
    Py_RETURN_NONE;
}

static PyObject *take_reference(PyObject *self, PyObject *object)
{
    (void)self;
    Py_INCREF(object);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    { "lose_list", lose_list, METH_NOARGS, NULL },
    { "lose_memory", lose_memory, METH_NOARGS, NULL },
    { "take_reference", take_reference, METH_O, NULL },
    { NULL, NULL, 0, NULL },
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "pm_leaky", .m_size = -1, .m_methods = methods,
};

PyMODINIT_FUNC PyInit_pm_leaky(void)
{
    return PyModule_Create(&module);
}
