/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An extension that allocates a block with one allocator interface (CPython's or the C library's) and
   frees it with another: pair("mem", "libc"); resize("mem", "libc") calls realloc in between. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>

static int index_of(const char *name)
{
    static const char *const names[] = { "libc", "raw", "mem", "object" };

    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

__attribute__((noinline)) static void *take(int domain, size_t bytes)
{
    switch (domain) {
    case 0: return malloc(bytes);
    case 1: return PyMem_RawMalloc(bytes);
    case 2: return PyMem_Malloc(bytes);
    default: return PyObject_Malloc(bytes);
    }
}

__attribute__((noinline)) static void give(int domain, void *block)
{
    switch (domain) {
    case 0: free(block); break;
    case 1: PyMem_RawFree(block); break;
    case 2: PyMem_Free(block); break;
    default: PyObject_Free(block); break;
    }
}

__attribute__((noinline)) static void *again(int domain, void *block, size_t bytes)
{
    switch (domain) {
    case 0: return realloc(block, bytes);
    case 1: return PyMem_RawRealloc(block, bytes);
    case 2: return PyMem_Realloc(block, bytes);
    default: return PyObject_Realloc(block, bytes);
    }
}

static int parse(PyObject *args, int *first, int *second)
{
    const char *taken, *given;

    if (!PyArg_ParseTuple(args, "ss", &taken, &given))
        return 0;
    *first = index_of(taken);
    *second = index_of(given);
    if (*first >= 0 && *second >= 0)
        return 1;
    PyErr_SetString(PyExc_ValueError, "expected libc, raw, mem or object");
    return 0;
}

static PyObject *pair(PyObject *self, PyObject *args)
{
    int first, second;

    (void)self;
    if (!parse(args, &first, &second))
        return NULL;
    void *block = take(first, 40);
    give(second, block);
    Py_RETURN_NONE;
}

static PyObject *resize(PyObject *self, PyObject *args)
{
    int first, second;

    (void)self;
    if (!parse(args, &first, &second))
        return NULL;
    void *block = again(second, take(first, 40), 4000);
    give(second, block);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    { "pair", pair, METH_VARARGS, NULL },
    { "resize", resize, METH_VARARGS, NULL },
    { NULL, NULL, 0, NULL },
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "pm_domains", NULL, -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_pm_domains(void)
{
    return PyModule_Create(&module);
}
