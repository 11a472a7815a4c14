/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <Python.h>

static PyObject *total(PyObject *self, PyObject *prices)
{
    PyObject *copy = PySequence_List(prices);
    double sum = 0;

    (void)self;
    if (copy == NULL)
        return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(copy); i++)
        sum += PyFloat_AsDouble(PyList_GET_ITEM(copy, i));
    return PyFloat_FromDouble(sum);     /* copy is forgotten */
}

static PyObject *count(PyObject *self, PyObject *arguments)
{
    PyObject *names, *seen;
    int forget;

    (void)self;
    if (!PyArg_ParseTuple(arguments, "Op", &names, &forget))
        return NULL;
    seen = PySet_New(names);
    if (seen == NULL)
        return NULL;
    PyObject *result = PyLong_FromSsize_t(PySet_GET_SIZE(seen));
    if (!forget)
        Py_DECREF(seen);
    return result;
}

static PyMethodDef methods[] = {
    { "total", total, METH_O, NULL },
    { "count", count, METH_VARARGS, NULL },
    { NULL, NULL, 0, NULL },
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "_native", .m_size = -1, .m_methods = methods,
};

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModule_Create(&module);
}
