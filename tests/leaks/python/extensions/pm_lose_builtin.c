/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A missing Py_DECREF for each built-in type: every function makes one object
   and forgets it. */
#include "pm_lose.h"

static PyObject *a_list(PyObject *Py_UNUSED(module), PyObject *count)
{
    return pm_lose(pm_new_list(PyLong_AsSsize_t(count)));
}

static PyObject *a_dict(PyObject *Py_UNUSED(module), PyObject *argument)
{
    Py_ssize_t count = PyLong_AsSsize_t(argument);
    PyObject *dict = PyDict_New();
    for (Py_ssize_t i = 0; dict != NULL && i < count; i++) {
        PyObject *key = PyUnicode_FromFormat("key number %zd", i);
        PyObject *value = PyFloat_FromDouble(0.5 + (double)i);
        if (key == NULL || value == NULL || PyDict_SetItem(dict, key, value) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return pm_lose(dict);
}

static PyObject *a_tuple(PyObject *Py_UNUSED(module), PyObject *count)
{
    PyObject *list = pm_new_list(PyLong_AsSsize_t(count));
    PyObject *tuple = list ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    return pm_lose(tuple);
}

static PyObject *a_set(PyObject *Py_UNUSED(module), PyObject *count)
{
    PyObject *list = pm_new_list(PyLong_AsSsize_t(count));
    PyObject *set = list ? PySet_New(list) : NULL;
    Py_XDECREF(list);
    return pm_lose(set);
}

static PyObject *a_frozenset(PyObject *Py_UNUSED(module), PyObject *count)
{
    PyObject *list = pm_new_list(PyLong_AsSsize_t(count));
    PyObject *set = list ? PyFrozenSet_New(list) : NULL;
    Py_XDECREF(list);
    return pm_lose(set);
}

static PyObject *a_str(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static int number;
    return pm_lose(PyUnicode_FromFormat("lost text %d", ++number));
}

/* With its UTF-8 form, which is in a block of its own. */
static PyObject *a_str_with_utf8(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *text = PyUnicode_FromString("lost t\xc3\xa9xt");
    if (text == NULL || PyUnicode_AsUTF8(text) == NULL)
        return NULL;
    return pm_lose(text);
}

static PyObject *some_bytes(PyObject *Py_UNUSED(module), PyObject *size)
{
    return pm_lose(pm_new_bytes(PyLong_AsSsize_t(size)));
}

static PyObject *a_bytearray(PyObject *Py_UNUSED(module), PyObject *size)
{
    return pm_lose(PyByteArray_FromStringAndSize(NULL, PyLong_AsSsize_t(size)));
}

static PyObject *an_int(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return pm_lose(PyLong_FromString("123456789012345678901234567890", NULL, 10));
}

static PyObject *a_float(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return pm_lose(PyFloat_FromDouble(1.25));
}

static PyObject *a_complex(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return pm_lose(PyComplex_FromDoubles(1.25, -1));
}

static PyObject *a_slice(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *from = PyLong_FromLong(70000), *to = PyLong_FromLong(80000);
    PyObject *slice = from && to ? PySlice_New(from, to, NULL) : NULL;
    Py_XDECREF(from);
    Py_XDECREF(to);
    return pm_lose(slice);
}

static PyObject *a_range(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    /* 3.15 has one object for each int up to 1024. */
    return pm_lose(PyObject_CallFunction((PyObject *)&PyRange_Type, "iii", 2000, 90000000, 1100));
}

static PyObject *a_module(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return pm_lose(PyModule_New("pm_lost_module"));
}

static PyObject *a_function(PyObject *Py_UNUSED(module), PyObject *code)
{
    PyObject *globals = PyDict_New();
    PyObject *function = globals ? PyFunction_New(code, globals) : NULL;
    Py_XDECREF(globals);
    return pm_lose(function);
}

static PyMethodDef nothing = {"nothing", a_str, METH_NOARGS, NULL};

static PyObject *a_builtin_function(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *self = PyList_New(0);
    PyObject *function = self ? PyCFunction_NewEx(&nothing, self, NULL) : NULL;
    Py_XDECREF(self);
    return pm_lose(function);
}

static PyObject *a_method(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *self = PyList_New(0);
    PyObject *function = PyCFunction_NewEx(&nothing, NULL, NULL);
    PyObject *method = self && function ? PyMethod_New(function, self) : NULL;
    Py_XDECREF(self);
    Py_XDECREF(function);
    return pm_lose(method);
}

static PyObject *a_code(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return pm_lose((PyObject *)PyCode_NewEmpty("lost.c", "lost", 7));
}

static PyObject *a_list_iterator(PyObject *Py_UNUSED(module), PyObject *count)
{
    PyObject *list = pm_new_list(PyLong_AsSsize_t(count));
    PyObject *iterator = list ? PyObject_GetIter(list) : NULL;
    Py_XDECREF(list);
    return pm_lose(iterator);
}

static PyObject *a_sequence_iterator(PyObject *Py_UNUSED(module), PyObject *count)
{
    PyObject *list = pm_new_list(PyLong_AsSsize_t(count));
    PyObject *iterator = list ? PySeqIter_New(list) : NULL;
    Py_XDECREF(list);
    return pm_lose(iterator);
}

static PyObject *a_callable_iterator(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *function = PyCFunction_NewEx(&nothing, NULL, NULL);
    PyObject *iterator = function ? PyCallIter_New(function, Py_None) : NULL;
    Py_XDECREF(function);
    return pm_lose(iterator);
}

/* The result of calling anything: a generator, an instance ... */
static PyObject *result_of(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_ssize_t count = PyTuple_GET_SIZE(arguments);
    if (count < 1) {
        PyErr_SetString(PyExc_TypeError, "something to call is needed");
        return NULL;
    }
    PyObject *rest = PyTuple_GetSlice(arguments, 1, count);
    PyObject *result = rest ? PyObject_CallObject(PyTuple_GET_ITEM(arguments, 0), rest) : NULL;
    Py_XDECREF(rest);
    return pm_lose(result);
}

static PyObject *a_weakref(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *referent = PySet_New(NULL);
    PyObject *reference = referent ? PyWeakref_NewRef(referent, NULL) : NULL;
    Py_XDECREF(referent);
    return pm_lose(reference);
}

static PyObject *a_cell(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *content = pm_new_bytes(60);
    PyObject *cell = content ? PyCell_New(content) : NULL;
    Py_XDECREF(content);
    return pm_lose(cell);
}

static PyObject *a_memoryview(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static char memory[64];
    return pm_lose(PyMemoryView_FromMemory(memory, sizeof memory, PyBUF_READ));
}

static PyObject *a_capsule(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static int thing;
    return pm_lose(PyCapsule_New(&thing, "pm_lose.thing", NULL));
}

static PyObject *a_mappingproxy(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *dict = PyDict_New();
    PyObject *proxy = dict ? PyDictProxy_New(dict) : NULL;
    Py_XDECREF(dict);
    return pm_lose(proxy);
}

/* A surplus reference to an object that the caller made. */
static PyObject *keep_reference(PyObject *Py_UNUSED(module), PyObject *object)
{
    Py_INCREF(object);
    return pm_lose(object);
}

static PyMethodDef methods[] = {
    PM_CAREFUL,
    {"a_list", a_list, METH_O, NULL},
    {"a_dict", a_dict, METH_O, NULL},
    {"a_tuple", a_tuple, METH_O, NULL},
    {"a_set", a_set, METH_O, NULL},
    {"a_frozenset", a_frozenset, METH_O, NULL},
    {"a_str", a_str, METH_NOARGS, NULL},
    {"a_str_with_utf8", a_str_with_utf8, METH_NOARGS, NULL},
    {"some_bytes", some_bytes, METH_O, NULL},
    {"a_bytearray", a_bytearray, METH_O, NULL},
    {"an_int", an_int, METH_NOARGS, NULL},
    {"a_float", a_float, METH_NOARGS, NULL},
    {"a_complex", a_complex, METH_NOARGS, NULL},
    {"a_slice", a_slice, METH_NOARGS, NULL},
    {"a_range", a_range, METH_NOARGS, NULL},
    {"a_module", a_module, METH_NOARGS, NULL},
    {"a_function", a_function, METH_O, NULL},
    {"a_builtin_function", a_builtin_function, METH_NOARGS, NULL},
    {"a_method", a_method, METH_NOARGS, NULL},
    {"a_code", a_code, METH_NOARGS, NULL},
    {"a_list_iterator", a_list_iterator, METH_O, NULL},
    {"a_sequence_iterator", a_sequence_iterator, METH_O, NULL},
    {"a_callable_iterator", a_callable_iterator, METH_NOARGS, NULL},
    {"result_of", result_of, METH_VARARGS, NULL},
    {"a_weakref", a_weakref, METH_NOARGS, NULL},
    {"a_cell", a_cell, METH_NOARGS, NULL},
    {"a_memoryview", a_memoryview, METH_NOARGS, NULL},
    {"a_capsule", a_capsule, METH_NOARGS, NULL},
    {"a_mappingproxy", a_mappingproxy, METH_NOARGS, NULL},
    {"keep_reference", keep_reference, METH_O, NULL},
    {NULL, NULL, 0, NULL}
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "pm_lose_builtin", NULL, 0, methods, NULL, NULL, NULL, NULL
};

PyMODINIT_FUNC PyInit_pm_lose_builtin(void)
{
    return PyModuleDef_Init(&definition);
}
