/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buffer objects over three allocators, to test which of them a tool sees:
   CMalloc (malloc), PyRawMalloc (PyMem_RawMalloc) and PyMalloc (PyMem_Malloc).
   Each has the attributes `size` and `buffer` (the buffer's address), and frees
   its buffer when it is deallocated. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdlib.h>
#include <structmember.h>

typedef struct {
    PyObject_HEAD
    Py_ssize_t size;
    void *buffer;
} Buffer;

static PyObject *buffer_new(PyTypeObject *type, PyObject *args, void *(*allocate)(size_t))
{
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "n", &size))
        return NULL;
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "size must not be negative");
        return NULL;
    }
    Buffer *self = (Buffer *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->size = size;
    self->buffer = allocate((size_t)size);
    if (self->buffer == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void buffer_dealloc(PyObject *object, void (*release)(void *))
{
    release(((Buffer *)object)->buffer);
    Py_TYPE(object)->tp_free(object);
}

static PyMemberDef buffer_members[] = {
    {"size", T_PYSSIZET, offsetof(Buffer, size), READONLY, "bytes asked for"},
    {"buffer", T_ULONGLONG, offsetof(Buffer, buffer), READONLY, "address of the buffer"},
    {NULL, 0, 0, 0, NULL},
};

#define BUFFER_TYPE(NAME, ALLOCATE, RELEASE)                                        \
    static PyObject *NAME##_new(PyTypeObject *type, PyObject *args, PyObject *kwds) \
    {                                                                               \
        (void)kwds;                                                                 \
        return buffer_new(type, args, ALLOCATE);                                    \
    }                                                                               \
    static void NAME##_dealloc(PyObject *object)                                    \
    {                                                                               \
        buffer_dealloc(object, RELEASE);                                            \
    }                                                                               \
    static PyTypeObject NAME##_type = {                                             \
        PyVarObject_HEAD_INIT(NULL, 0)                                              \
        .tp_name = "cMemLeak." #NAME,                                               \
        .tp_doc = "A buffer from " #ALLOCATE "().",                                 \
        .tp_basicsize = sizeof(Buffer),                                             \
        .tp_flags = Py_TPFLAGS_DEFAULT,                                             \
        .tp_new = NAME##_new,                                                       \
        .tp_dealloc = NAME##_dealloc,                                               \
        .tp_members = buffer_members,                                               \
    }

BUFFER_TYPE(CMalloc, malloc, free);
BUFFER_TYPE(PyRawMalloc, PyMem_RawMalloc, PyMem_RawFree);
BUFFER_TYPE(PyMalloc, PyMem_Malloc, PyMem_Free);

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "cMemLeak",
    .m_doc = "Buffer objects over malloc, PyMem_RawMalloc and PyMem_Malloc.",
    .m_size = -1,
};

PyMODINIT_FUNC PyInit_cMemLeak(void)
{
    PyTypeObject *types[] = {&CMalloc_type, &PyRawMalloc_type, &PyMalloc_type};
    PyObject *self = PyModule_Create(&module);
    if (self == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (PyModule_AddType(self, types[i]) < 0) {
            Py_DECREF(self);
            return NULL;
        }
    }
    return self;
}
