/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the leaking extensions. Each makes objects and does not release
   them, as buggy extensions do. In careful mode (`careful(True)`) the same
   functions release everything, so that the same scripts are clean programs.

   For CPython 3.6 and later; only the public C API. */
#ifndef PM_LOSE_H
#define PM_LOSE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

static int pm_careful;

/* Returns None, after it released made if the extension is careful. */
static inline PyObject *pm_lose(PyObject *made)
{
    if (made == NULL)
        return NULL;
    if (pm_careful)
        Py_DECREF(made);
    Py_RETURN_NONE;
}

static inline void pm_release_if_careful(PyObject *object)
{
    if (pm_careful)
        Py_XDECREF(object);
}

static PyObject *pm_set_careful(PyObject *Py_UNUSED(module), PyObject *yes)
{
    pm_careful = PyObject_IsTrue(yes);
    Py_RETURN_NONE;
}

/* A new object that is in no cache or table of small values. */
static inline PyObject *pm_new_bytes(Py_ssize_t size)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
    if (bytes != NULL)
        memset(PyBytes_AS_STRING(bytes), 'x', (size_t)size);
    return bytes;
}

/* A list of count bytes objects. */
static inline PyObject *pm_new_list(Py_ssize_t count)
{
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list != NULL && i < count; i++) {
        PyObject *item = pm_new_bytes(100 + i);
        if (item == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, item);
    }
    return list;
}

#define PM_CAREFUL {"careful", pm_set_careful, METH_O, "Release everything from now on?"}

#endif
