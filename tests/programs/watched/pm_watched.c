/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that take references and keep them, or give back what is not theirs. Each says in its comment what is wrong. For
   CPython 3.9 and later. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>

static PyObject *kept, *held_by_thread;

/* Takes and keeps a reference in a static variable: nothing is wrong with the first, but the old one is forgotten. */
static PyObject *keep_static(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_INCREF(object);
    kept = object;
    Py_RETURN_NONE;
}

/* Returns early, with an error, between a Py_INCREF and its Py_DECREF. */
static PyObject *early_return(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_INCREF(object);
    if (PyObject_HasAttrString(object, "bad"))
        return PyErr_Format(PyExc_ValueError, "a bad object");
    Py_DECREF(object);
    Py_RETURN_NONE;
}

/* PyList_SetItem steals a reference. One Py_INCREF is right for an argument; two are too many. */
static PyObject *set_item(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyObject *list = PyList_New(1);
    if (list == NULL)
        return NULL;
    Py_INCREF(object);
    Py_INCREF(object);
    PyList_SetItem(list, 0, object);
    Py_DECREF(list);
    Py_RETURN_NONE;
}

/* PyModule_AddObject steals only if it succeeds. */
static PyObject *add_object(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_INCREF(object);
    if (PyModule_AddObject(object, "name", object) < 0)
        PyErr_Clear();
    Py_RETURN_NONE;
}

/* "O" takes a reference of its own, "N" would not. */
static PyObject *build_value(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyObject *mine = PyObject_CallMethod(object, "copy", NULL);
    return mine == NULL ? NULL : Py_BuildValue("(O)", mine);
}

/* Takes the exception away and forgets it. */
static PyObject *drop_exception(PyObject *Py_UNUSED(module), PyObject *function)
{
    PyObject *result = PyObject_CallObject(function, NULL), *type, *value, *traceback;
    if (result != NULL)
        return result;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    PyException_SetTraceback(value, Py_None);
    Py_RETURN_NONE;
}

/* Takes the exception away and puts it back, as it should. */
static PyObject *pass_exception(PyObject *Py_UNUSED(module), PyObject *function)
{
    PyObject *result = PyObject_CallObject(function, NULL), *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_Restore(type, value, traceback);
    return result;
}

/* Forgets what a generator or coroutine function returned. */
static PyObject *forget_result(PyObject *Py_UNUSED(module), PyObject *function)
{
    if (PyObject_CallObject(function, NULL) == NULL)
        return NULL;
    Py_RETURN_NONE;
}

/* Returns a borrowed reference as if it were a new one. */
static PyObject *first(PyObject *Py_UNUSED(module), PyObject *list)
{
    return PyList_GetItem(list, 0);
}

static PyObject *no_none(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    return Py_None;
}

/* Two culprits on one object: this one more often. */
static PyObject *take_twice(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_INCREF(object);
    Py_INCREF(object);
    Py_RETURN_NONE;
}

static PyObject *take_once(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_INCREF(object);
    Py_RETURN_NONE;
}

/* Takes a reference in this thread; the one that should give it back, on another thread, only forgets it. */
static void *lose_in_thread(void *unused)
{
    (void)unused;
    held_by_thread = NULL;
    return NULL;
}

static PyObject *hand_to_thread(PyObject *Py_UNUSED(module), PyObject *object)
{
    pthread_t thread;
    Py_INCREF(object);
    held_by_thread = object;
    if (pthread_create(&thread, NULL, lose_in_thread, NULL) != 0)
        return PyErr_Format(PyExc_OSError, "no thread");
    pthread_join(thread, NULL);
    Py_RETURN_NONE;
}

/* A handle as cffi's: the address of an object in a capsule, with a reference that its destructor should give back. */
static PyObject *handle(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_INCREF(object);
    return PyCapsule_New(object, "handle", NULL);
}

/* As the code that Cython makes: a helper takes the reference for the function that calls it. */
static inline PyObject *__Pyx_NewRef(PyObject *object)
{
    Py_INCREF(object);
    return object;
}

static PyObject *cython_function(PyObject *Py_UNUSED(module), PyObject *object)
{
    PyObject *variable = __Pyx_NewRef(object);
    return PyBool_FromLong(variable != NULL);
}

/* A heap type. Its deallocator forgets the reference that each instance has to its type. */
static void heap_dealloc(PyObject *object)
{
    Py_TYPE(object)->tp_free(object);
}

static PyType_Slot heap_slots[] = {
    { Py_tp_new, PyType_GenericNew }, { Py_tp_dealloc, heap_dealloc }, { 0, NULL },
};

static PyType_Spec heap_spec = {
    "pm_watched.Heap", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT, heap_slots,
};

static PyObject *make_type(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    return PyType_FromSpec(&heap_spec);
}

/* A type in static memory, with nothing wrong. */
static PyTypeObject fixed_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pm_watched.Fixed",
    .tp_basicsize = sizeof(PyObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
};

static PyObject *make_fixed(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    PyObject *object = PyObject_CallObject((PyObject *)&fixed_type, NULL);
    Py_XINCREF(object);
    Py_XDECREF(object);
    return object;
}

static PyMethodDef methods[] = {
    { "keep_static", keep_static, METH_O, NULL },
    { "early_return", early_return, METH_O, NULL },
    { "set_item", set_item, METH_O, NULL },
    { "add_object", add_object, METH_O, NULL },
    { "build_value", build_value, METH_O, NULL },
    { "drop_exception", drop_exception, METH_O, NULL },
    { "pass_exception", pass_exception, METH_O, NULL },
    { "forget_result", forget_result, METH_O, NULL },
    { "first", first, METH_O, NULL },
    { "no_none", no_none, METH_NOARGS, NULL },
    { "take_twice", take_twice, METH_O, NULL },
    { "take_once", take_once, METH_O, NULL },
    { "hand_to_thread", hand_to_thread, METH_O, NULL },
    { "handle", handle, METH_O, NULL },
    { "cython_function", cython_function, METH_O, NULL },
    { "make_type", make_type, METH_NOARGS, NULL },
    { "make_fixed", make_fixed, METH_NOARGS, NULL },
    { NULL, NULL, 0, NULL },
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "pm_watched", NULL, -1, methods, NULL, NULL, NULL, NULL
};

PyMODINIT_FUNC PyInit_pm_watched(void)
{
    return PyType_Ready(&fixed_type) < 0 ? NULL : PyModule_Create(&definition);
}
