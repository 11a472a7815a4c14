/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What well-behaved extensions do once, at first use, and never give back. For CPython 3.6 and later. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* Py_XNewRef is newer than 3.9. */
static PyObject *new_reference(PyObject *object)
{
    Py_XINCREF(object);
    return object;
}

/* A text that is interned and kept in a static variable. */
static PyObject *interned(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static PyObject *text;
    if (text == NULL)
        text = PyUnicode_InternFromString("a text of pm_caches");
    return new_reference(text);
}

/* A table of memory that nothing points to any more after the first use: lost, but once. */
static PyObject *lost_once(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static int done;
    if (!done) {
        char *table = malloc(500);
        if (table == NULL)
            return PyErr_NoMemory();
        memset(table, 1, 500);
        done = 1;
    }
    Py_RETURN_NONE;
}

/* An object that is lost at the first two uses. */
static PyObject *lost_twice(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static int uses;
    if (uses < 2) {
        uses++;
        if (PyList_New(3) == NULL)
            return NULL;
    }
    Py_RETURN_NONE;
}

/* Memory in a static table, of twice the size at each power of two of uses. */
static PyObject *table(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static void *items;
    static size_t uses, room;
    if (uses++ == room) {
        void *grown = realloc(items, (room ? room * 2 : 1) * sizeof(long));
        if (grown == NULL)
            return PyErr_NoMemory();
        items = grown;
        room = room ? room * 2 : 1;
    }
    Py_RETURN_NONE;
}

/* An object for the life of the process, with a reference that is never given back: made immortal by hand. */
static PyObject *singleton(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static PyObject *only;
    if (only == NULL)
        only = PyList_New(0);
    return new_reference(only);
}

/* Loses an object at every other call. */
static PyObject *sometimes(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static int calls;
    if (calls++ % 2 == 0 && PyDict_New() == NULL)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"interned", interned, METH_NOARGS, NULL},
    {"lost_once", lost_once, METH_NOARGS, NULL},
    {"lost_twice", lost_twice, METH_NOARGS, NULL},
    {"table", table, METH_NOARGS, NULL},
    {"singleton", singleton, METH_NOARGS, NULL},
    {"sometimes", sometimes, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "pm_caches", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_pm_caches(void)
{
    return PyModule_Create(&module);
}
