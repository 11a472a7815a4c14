/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A module that allocates with malloc and asks the interpreter itself, by its
   public API, which Python frames are running at that moment.

   take(label)             allocate; append (label, size, frames) to `taken`
   take_without_gil(label) the same, with the GIL released round the malloc
   run_thread(callable)    a C thread that never ran Python: malloc of 70001
                           bytes, PyGILState_Ensure, callable(),
                           PyGILState_Release, malloc of 70003 bytes
   allocate(bytes)         malloc and free, and no record
   with_bytes(address, bytes, size)
                           overwrite memory at address, malloc size bytes in C,
                           put the old bytes back; no Python code in between

   frames is a list of (file, qualified name, line), innermost first. Every
   take asks for a size of its own, so its blocks cannot be mistaken. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 50021
#define SIZE_STEP 16

static PyObject *taken;
static size_t next_size = FIRST_SIZE;

/* The native frame by which a test knows our blocks. */
__attribute__((noinline, visibility("default"))) void pm_probe_allocate(size_t bytes)
{
    void *volatile block = malloc(bytes);
    free(block);
}

static PyObject *running_frames(void)
{
    PyObject *list = PyList_New(0);
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    while (list != NULL && frame != NULL) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        PyObject *entry = Py_BuildValue("(OOi)", code->co_filename, code->co_qualname,
                                        PyFrame_GetLineNumber(frame));
        Py_DECREF(code);
        if (entry == NULL || PyList_Append(list, entry) < 0)
            Py_CLEAR(list);
        Py_XDECREF(entry);
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    return list;
}

static PyObject *record(const char *label, size_t bytes)
{
    /* An exception may be on its way through the caller's finally block. */
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
    PyObject *result = PyObject_CallNoArgs(callable);
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

/* Takes its arguments as they lie: a tuple of them would be an allocation at
   the same place, which is when names are read, before they are broken. */
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

static PyObject *probe_frame_chain(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    return PyLong_FromVoidPtr(&PyThreadState_Get()->cframe);
}

static PyMethodDef methods[] = {
    {"take", probe_take, METH_VARARGS, "Allocate and record the running frames."},
    {"take_without_gil", probe_take_without_gil, METH_VARARGS, "As take, with the GIL released."},
    {"run_thread", probe_run_thread, METH_O, "Call a callable in a thread made by C."},
    {"allocate", probe_allocate, METH_VARARGS, "malloc and free."},
    {"with_bytes", (PyCFunction)(void (*)(void))probe_with_bytes, METH_FASTCALL, "malloc while memory is overwritten."},
    {"frame_chain", probe_frame_chain, METH_NOARGS, "Address of the pointer that leads to the running frame."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pm_probe",
    .m_doc = "Allocations that know which Python frames were running.",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_pm_probe(void)
{
    PyObject *self = PyModule_Create(&module);
    taken = PyList_New(0);
    if (self == NULL || taken == NULL || PyModule_AddObjectRef(self, "taken", taken) < 0) {
        Py_XDECREF(self);
        return NULL;
    }
    return self;
}
