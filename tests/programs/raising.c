/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A module with two functions that leak: fails() while an exception is raised, and
   succeeds() without an exception. */
#include <Python.h>

static void leak(size_t bytes)
{
    char *volatile block = malloc(bytes);
    (void)block;
}

static PyObject *fails(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    PyErr_SetString(PyExc_ValueError, "on purpose");
    leak(5005);
    return NULL;
}

static PyObject *succeeds(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    leak(6006);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    { "fails", fails, METH_NOARGS, NULL },
    { "succeeds", succeeds, METH_NOARGS, NULL },
    { NULL, NULL, 0, NULL },
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "raising", .m_size = -1, .m_methods = methods,
};

PyMODINIT_FUNC PyInit_raising(void)
{
    return PyModule_Create(&module);
}
