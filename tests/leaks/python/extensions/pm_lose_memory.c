/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that is no object: each of CPython's domains, the C library's, locks,
   threads, pointers into the middle. And scrub, which overwrites dead pointers in
   the unused part of the stack, where the frame of a later call could contain them. */
#include "pm_lose.h"

#include <pthread.h>
#include <pythread.h>
#include <stdlib.h>

__attribute__((noinline)) static void scrub_stack(void)
{
    volatile char space[256 * 1024];
    memset((void *)space, 0, sizeof space);
}

static PyObject *scrub(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    scrub_stack();
    Py_RETURN_NONE;
}

static PyObject *raw(PyObject *Py_UNUSED(module), PyObject *size)
{
    void *memory = PyMem_RawMalloc(PyLong_AsSize_t(size));
    if (memory == NULL)
        return PyErr_NoMemory();
    if (pm_careful)
        PyMem_RawFree(memory);
    Py_RETURN_NONE;
}

static PyObject *mem(PyObject *Py_UNUSED(module), PyObject *size)
{
    void *memory = PyMem_Malloc(PyLong_AsSize_t(size));
    if (memory == NULL)
        return PyErr_NoMemory();
    if (pm_careful)
        PyMem_Free(memory);
    Py_RETURN_NONE;
}

static PyObject *object(PyObject *Py_UNUSED(module), PyObject *size)
{
    void *memory = PyObject_Malloc(PyLong_AsSize_t(size));
    if (memory == NULL)
        return PyErr_NoMemory();
    if (pm_careful)
        PyObject_Free(memory);
    Py_RETURN_NONE;
}

static PyObject *libc(PyObject *Py_UNUSED(module), PyObject *size)
{
    void *volatile memory = malloc(PyLong_AsSize_t(size));
    if (memory == NULL)
        return PyErr_NoMemory();
    if (pm_careful)
        free(memory);
    memory = NULL;
    Py_RETURN_NONE;
}

static PyObject *grown(PyObject *Py_UNUSED(module), PyObject *size)
{
    char *memory = PyMem_Calloc(1, 16);
    char *larger = memory ? PyMem_Realloc(memory, PyLong_AsSize_t(size)) : NULL;
    if (larger == NULL)
        return PyErr_NoMemory();
    if (pm_careful)
        PyMem_Free(larger);
    Py_RETURN_NONE;
}

static PyObject *copied_text(PyObject *Py_UNUSED(module), PyObject *text)
{
    char *volatile copy = strdup(PyUnicode_AsUTF8(text));    /* volatile: gcc leaves out a copy that nobody uses */
    if (copy == NULL)
        return PyErr_NoMemory();
    if (pm_careful)
        free(copy);
    Py_RETURN_NONE;
}

/* Only a pointer into its middle is kept: possibly lost. */
static char *volatile middle;

static PyObject *keep_middle(PyObject *Py_UNUSED(module), PyObject *size)
{
    char *memory = malloc(PyLong_AsSize_t(size));
    if (memory == NULL)
        return PyErr_NoMemory();
    memset(memory, 0, PyLong_AsSize_t(size));
    middle = memory + 24;
    if (pm_careful) {
        free(memory);
        middle = NULL;
    }
    Py_RETURN_NONE;
}

/* A chain of count nodes whose head is forgotten. */
struct node {
    struct node *next;
    char content[40];
};

static PyObject *chain(PyObject *Py_UNUSED(module), PyObject *count)
{
    struct node *head = NULL;
    for (Py_ssize_t i = PyLong_AsSsize_t(count); i > 0; i--) {
        struct node *node = calloc(1, sizeof *node);
        if (node == NULL)
            return PyErr_NoMemory();
        node->next = head;
        head = node;
    }
    while (pm_careful && head != NULL) {
        struct node *next = head->next;
        free(head);
        head = next;
    }
    Py_RETURN_NONE;
}

static PyObject *lock(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyThread_type_lock lock = PyThread_allocate_lock();
    if (lock == NULL)
        return PyErr_NoMemory();
    if (pm_careful)
        PyThread_free_lock(lock);
    Py_RETURN_NONE;
}

/* Thread-specific data without a destructor holds a list: it is lost when the thread ends. */
static pthread_key_t key;
static int key_is_made;

static void release_list(void *list)
{
    PyGILState_STATE state = PyGILState_Ensure();
    Py_DECREF((PyObject *)list);
    PyGILState_Release(state);
}

static PyObject *keep_in_thread(PyObject *Py_UNUSED(module), PyObject *count)
{
    if (!key_is_made && pthread_key_create(&key, pm_careful ? release_list : NULL) != 0)
        return PyErr_NoMemory();
    key_is_made = 1;
    PyObject *list = pm_new_list(PyLong_AsSsize_t(count));
    if (list == NULL)
        return NULL;
    pthread_setspecific(key, list);
    Py_RETURN_NONE;
}

/* A thread of C's own calls function and forgets the result. */
static void *thread_main(void *function)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *result = PyObject_CallObject(function, NULL);
    if (result == NULL)
        PyErr_Print();
    pm_release_if_careful(result);
    PyGILState_Release(state);
    return NULL;
}

/* The same with a thread state of its own, which it deletes without clearing it:
   the state's dict is forgotten. */
static void *thread_main_with_state(void *function)
{
    PyThreadState *state = PyThreadState_New(PyInterpreterState_Main());
    PyEval_AcquireThread(state);
    PyObject *result = PyObject_CallObject(function, NULL);
    if (result == NULL)
        PyErr_Print();
    Py_XDECREF(result);
    if (pm_careful)
        PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
    return NULL;
}

static PyObject *run_thread(void *(*run)(void *), PyObject *function)
{
    pthread_t thread;
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = pthread_create(&thread, NULL, run, function);
    if (!failed)
        pthread_join(thread, NULL);
    Py_END_ALLOW_THREADS
    if (failed)
        return PyErr_NoMemory();
    Py_RETURN_NONE;
}

static PyObject *in_thread(PyObject *Py_UNUSED(module), PyObject *function)
{
    return run_thread(thread_main, function);
}

static PyObject *in_thread_with_state(PyObject *Py_UNUSED(module), PyObject *function)
{
    return run_thread(thread_main_with_state, function);
}

static PyMethodDef methods[] = {
    PM_CAREFUL,
    {"scrub", scrub, METH_NOARGS, NULL},
    {"raw", raw, METH_O, NULL},
    {"mem", mem, METH_O, NULL},
    {"object", object, METH_O, NULL},
    {"libc", libc, METH_O, NULL},
    {"grown", grown, METH_O, NULL},
    {"copied_text", copied_text, METH_O, NULL},
    {"keep_middle", keep_middle, METH_O, NULL},
    {"chain", chain, METH_O, NULL},
    {"lock", lock, METH_NOARGS, NULL},
    {"keep_in_thread", keep_in_thread, METH_O, NULL},
    {"in_thread", in_thread, METH_O, NULL},
    {"in_thread_with_state", in_thread_with_state, METH_O, NULL},
    {NULL, NULL, 0, NULL}
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "pm_lose_memory", NULL, -1, methods, NULL, NULL, NULL, NULL
};

PyMODINIT_FUNC PyInit_pm_lose_memory(void)
{
    return PyModule_Create(&definition);
}
