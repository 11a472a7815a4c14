/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For any CPython from 2.7 on.
   A module that allocates with malloc, and asks the interpreter itself, by its
   public API, which Python frames are running.

   take(label)             allocate; append (label, size, frames) to `taken`
   take_without_gil(label) the same, with the GIL released during the malloc
   run_thread(callable)    in a C thread that never ran Python: malloc of 70001
                           bytes, PyGILState_Ensure, callable(),
                           PyGILState_Release, malloc of 70003 bytes
   allocate(bytes)         malloc and free, without a record
   with_bytes(address, bytes, size)
                           overwrite memory at address, malloc size bytes in C,
                           restore the old bytes; no Python code in between

   frames is a list of (file, qualified name, line), innermost first. Every
   take has a different size, by which a test finds its block. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 50021
#define SIZE_STEP 16
#define NAME_ATTRIBUTE (PY_VERSION_HEX >= 0x030b0000 ? "co_qualname" : "co_name")
#define HAS_FAST_CALLS (PY_VERSION_HEX >= 0x03070000)
/* The thread state points to a _PyCFrame, which points to the innermost frame. */
#define HAS_CFRAME (PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030d0000)

static PyObject *taken;
static size_t next_size = FIRST_SIZE;

/* A test recognizes our blocks by this native frame. */
__attribute__((noinline, visibility("default"))) void pm_probe_allocate(size_t bytes)
{
    void *volatile block = malloc(bytes);
    free(block);
}

/* A new reference to (file, name, line) of a frame. An unknown line is 0. */
static PyObject *describe_frame(PyObject *frame)
{
    PyObject *code = PyObject_GetAttrString(frame, "f_code");
    PyObject *file = code == NULL ? NULL : PyObject_GetAttrString(code, "co_filename");
    PyObject *name = file == NULL ? NULL : PyObject_GetAttrString(code, NAME_ATTRIBUTE);
    PyObject *line = name == NULL ? NULL : PyObject_GetAttrString(frame, "f_lineno");
    PyObject *entry = NULL;
    if (line == Py_None)
        entry = Py_BuildValue("(OOi)", file, name, 0);
    else if (line != NULL)
        entry = Py_BuildValue("(OOO)", file, name, line);
    Py_XDECREF(line);
    Py_XDECREF(name);
    Py_XDECREF(file);
    Py_XDECREF(code);
    return entry;
}

static PyObject *running_frames(void)
{
    PyObject *list = PyList_New(0);
    PyObject *frame = (PyObject *)PyEval_GetFrame();
    Py_XINCREF(frame);
    while (list != NULL && frame != NULL && frame != Py_None) {
        PyObject *entry = describe_frame(frame);
        if (entry == NULL || PyList_Append(list, entry) < 0)
            Py_CLEAR(list);
        Py_XDECREF(entry);
        PyObject *back = PyObject_GetAttrString(frame, "f_back");
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    return list;
}

static PyObject *record(const char *label, size_t bytes)
{
    /* The caller may be a finally block, with an exception raised. */
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *frames = running_frames();
    PyObject *entry = frames == NULL ? NULL : Py_BuildValue("(snN)", label, (Py_ssize_t)bytes, frames);
    int failed = entry == NULL || PyList_Append(taken, entry) < 0;
    Py_XDECREF(entry);
    if (failed)
        return NULL;
    PyErr_Restore(type, value, traceback);
    Py_RETURN_NONE;
}

static size_t new_size(void)
{
    size_t bytes = next_size;
    next_size += SIZE_STEP;
    return bytes;
}

static PyObject *probe_take(PyObject *self, PyObject *args)
{
    const char *label;
    (void)self;
    if (!PyArg_ParseTuple(args, "s", &label))
        return NULL;
    size_t bytes = new_size();
    pm_probe_allocate(bytes);
    return record(label, bytes);
}

static PyObject *probe_take_without_gil(PyObject *self, PyObject *args)
{
    const char *label;
    (void)self;
    if (!PyArg_ParseTuple(args, "s", &label))
        return NULL;
    size_t bytes = new_size();
    Py_BEGIN_ALLOW_THREADS
    pm_probe_allocate(bytes);
    Py_END_ALLOW_THREADS
    return record(label, bytes);
}

static void *thread_body(void *callable)
{
    pm_probe_allocate(70001);
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *result = PyObject_CallObject(callable, NULL);
    if (result == NULL)
        PyErr_WriteUnraisable(callable);
    Py_XDECREF(result);
    PyGILState_Release(state);
    pm_probe_allocate(70003);
    return NULL;
}

static PyObject *probe_run_thread(PyObject *self, PyObject *callable)
{
    pthread_t thread;
    int failed;
    (void)self;
    Py_BEGIN_ALLOW_THREADS
    failed = pthread_create(&thread, NULL, thread_body, callable);
    if (!failed)
        pthread_join(thread, NULL);
    Py_END_ALLOW_THREADS
    if (failed)
        return PyErr_Format(PyExc_OSError, "pthread_create failed");
    Py_RETURN_NONE;
}

static PyObject *probe_allocate(PyObject *self, PyObject *args)
{
    Py_ssize_t bytes;
    (void)self;
    if (!PyArg_ParseTuple(args, "n", &bytes))
        return NULL;
    pm_probe_allocate((size_t)bytes);
    Py_RETURN_NONE;
}

#if HAS_FAST_CALLS
/* With METH_FASTCALL the call makes no tuple of arguments. Such a tuple would be
   an allocation at the same place, and the tool would read the names before we
   overwrite them. */
static PyObject *probe_with_bytes(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    Py_buffer bytes;
    char saved[256];
    (void)self;
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "three arguments");
    unsigned long long address = PyLong_AsUnsignedLongLong(args[0]);
    Py_ssize_t size = PyLong_AsSsize_t(args[2]);
    if (PyErr_Occurred() || PyObject_GetBuffer(args[1], &bytes, PyBUF_SIMPLE) < 0)
        return NULL;
    if ((size_t)bytes.len > sizeof saved) {
        PyBuffer_Release(&bytes);
        return PyErr_Format(PyExc_ValueError, "at most 256 bytes");
    }
    memcpy(saved, (void *)address, (size_t)bytes.len);
    memcpy((void *)address, bytes.buf, (size_t)bytes.len);
    pm_probe_allocate((size_t)size);
    memcpy((void *)address, saved, (size_t)bytes.len);
    PyBuffer_Release(&bytes);
    Py_RETURN_NONE;
}

#endif

#if HAS_CFRAME
static PyObject *probe_frame_chain(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyLong_FromVoidPtr(&PyThreadState_Get()->cframe);
}

#endif

static PyMethodDef methods[] = {
    {"take", probe_take, METH_VARARGS, "Allocate and record the running frames."},
    {"take_without_gil", probe_take_without_gil, METH_VARARGS, "Like take, with the GIL released."},
    {"run_thread", probe_run_thread, METH_O, "Call a callable in a thread made by C code."},
    {"allocate", probe_allocate, METH_VARARGS, "malloc and free."},
#if HAS_FAST_CALLS
    {"with_bytes", (PyCFunction)(void (*)(void))probe_with_bytes, METH_FASTCALL, "malloc while memory is overwritten."},
#endif
#if HAS_CFRAME
    {"frame_chain", probe_frame_chain, METH_NOARGS, "Address of the pointer that leads to the running frame."},
#endif
    {NULL, NULL, 0, NULL},
};

/* Adds the list to the module. Returns the module; in 2.7 it is a borrowed reference. */
static PyObject *fill(PyObject *self)
{
    taken = PyList_New(0);
    Py_XINCREF(taken);      /* one reference for AddObject, one for the variable */
    if (self == NULL || taken == NULL || PyModule_AddObject(self, "taken", taken) < 0)
        return NULL;
    return self;
}

#if PY_MAJOR_VERSION == 2
PyMODINIT_FUNC initpm_probe(void)
{
    fill(Py_InitModule("pm_probe", methods));
}
#else
static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pm_probe",
    .m_doc = "Allocations that know which Python frames were running.",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_pm_probe(void)
{
    return fill(PyModule_Create(&module));
}
#endif
