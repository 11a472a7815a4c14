/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that return a borrowed reference as if it were the caller's. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *none(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return Py_None;
}

/* The first item of a list. */
static PyObject *first(PyObject *module, PyObject *list)
{
    (void)module;
    return PyList_GetItem(list, 0);
}

/* Takes count references to an object: gives back what the functions above took too few. */
static PyObject *take(PyObject *module, PyObject *args)
{
    PyObject *object;
    int count;

    (void)module;
    if (!PyArg_ParseTuple(args, "Oi", &object, &count))
        return NULL;
    while (count-- > 0)
        Py_INCREF(object);
    Py_INCREF(Py_None);
    return Py_None;
}

static PyMethodDef methods[] = {
    { "none", none, METH_NOARGS, NULL },
    { "first", first, METH_O, NULL },
    { "take", take, METH_VARARGS, NULL },
    { NULL, NULL, 0, NULL },
};

#if PY_MAJOR_VERSION >= 3
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "pm_over_release", NULL, -1, methods, NULL, NULL, NULL, NULL
};

PyMODINIT_FUNC PyInit_pm_over_release(void)
{
    return PyModule_Create(&definition);
}
#else
PyMODINIT_FUNC initpm_over_release(void)
{
    Py_InitModule("pm_over_release", methods);
}
#endif
