/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Common mistakes in calls of the C API: about who owns an argument or a result, and on
   error paths. */
#include "pm_lose.h"

/* An error in the middle: the objects made so far are forgotten. */
static PyObject *parse(PyObject *Py_UNUSED(module), PyObject *text)
{
    PyObject *result = PyDict_New();
    PyObject *payload = pm_new_bytes(1 << 20);
    if (result == NULL || payload == NULL || PyDict_SetItemString(result, "payload", payload) < 0)
        return NULL;
    Py_DECREF(payload);
    if (PyUnicode_GetLength(text) != 0) {
        PyErr_Format(PyExc_ValueError, "cannot parse %R", text);
        pm_release_if_careful(result);
        return NULL;
    }
    return result;
}

/* PyDict_SetItemString does not steal: the value keeps our reference. */
static PyObject *set_item(PyObject *Py_UNUSED(module), PyObject *dict)
{
    PyObject *value = pm_new_bytes(70);
    if (value == NULL || PyDict_SetItemString(dict, "value", value) < 0)
        return NULL;
    return pm_lose(value);
}

/* PyList_Append does not steal either. */
static PyObject *append(PyObject *Py_UNUSED(module), PyObject *list)
{
    PyObject *value = pm_new_list(2);
    if (value == NULL || PyList_Append(list, value) < 0)
        return NULL;
    return pm_lose(value);
}

/* "O" adds a reference; "N" would have taken ours. */
static PyObject *pair(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *list = pm_new_list(1);
    if (list == NULL)
        return NULL;
    return pm_careful ? Py_BuildValue("(iN)", 1, list) : Py_BuildValue("(iO)", 1, list);
}

/* PyModule_AddObject steals on success only, and this is no module. */
static PyObject *add_object(PyObject *Py_UNUSED(module), PyObject *target)
{
    PyObject *value = pm_new_list(1);
    if (value == NULL)
        return NULL;
    if (PyModule_AddObject(target, "value", value) < 0) {
        pm_release_if_careful(value);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *hold_buffer(PyObject *Py_UNUSED(module), PyObject *exporter)
{
    Py_buffer view;
    if (PyObject_GetBuffer(exporter, &view, PyBUF_SIMPLE) < 0)
        return NULL;
    if (pm_careful)
        PyBuffer_Release(&view);
    else
        memset(&view, 0, sizeof view);
    Py_RETURN_NONE;
}

/* Items of an iterator are new references. */
static PyObject *sum_items(PyObject *Py_UNUSED(module), PyObject *iterable)
{
    double sum = 0;
    PyObject *iterator = PyObject_GetIter(iterable), *item;
    if (iterator == NULL)
        return NULL;
    while ((item = PyIter_Next(iterator)) != NULL) {
        sum += PyFloat_AsDouble(item);
        pm_release_if_careful(item);
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? NULL : PyFloat_FromDouble(sum);
}

/* Ends an iteration early, and forgets the iterator. */
static PyObject *first_item(PyObject *Py_UNUSED(module), PyObject *iterable)
{
    PyObject *iterator = PyObject_GetIter(iterable);
    if (iterator == NULL)
        return NULL;
    PyObject *item = PyIter_Next(iterator);
    pm_release_if_careful(iterator);
    return item;
}

static PyObject *fast_sequence(PyObject *Py_UNUSED(module), PyObject *iterable)
{
    return pm_lose(PySequence_Fast(iterable, "an iterable is needed"));
}

static PyObject *attribute(PyObject *Py_UNUSED(module), PyObject *object)
{
    return pm_lose(PyObject_GetAttrString(object, "attribute"));
}

/* The result of a callback is ignored. */
static PyObject *call_back(PyObject *Py_UNUSED(module), PyObject *function)
{
    return pm_lose(PyObject_CallObject(function, NULL));
}

/* An exception is taken away and forgotten. */
static PyObject *swallow(PyObject *Py_UNUSED(module), PyObject *function)
{
    PyObject *result = PyObject_CallObject(function, NULL);
    if (result != NULL)
        return result;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    pm_release_if_careful(type);
    pm_release_if_careful(value);
    pm_release_if_careful(traceback);
    Py_RETURN_NONE;
}

/* PyErr_SetObject adds a reference of its own. */
static PyObject *raise_object(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *value = pm_new_list(1);
    if (value == NULL)
        return NULL;
    PyErr_SetObject(PyExc_KeyError, value);
    pm_release_if_careful(value);
    return NULL;
}

/* "es" gives memory that the caller must free. */
static PyObject *encoded(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    char *text = NULL;
    if (!PyArg_ParseTuple(arguments, "es", "utf-8", &text))
        return NULL;
    if (pm_careful)
        PyMem_Free(text);
    Py_RETURN_NONE;
}

static PyObject *wide(PyObject *Py_UNUSED(module), PyObject *text)
{
    wchar_t *wide = PyUnicode_AsWideCharString(text, NULL);
    if (wide == NULL)
        return NULL;
    if (pm_careful)
        PyMem_Free(wide);
    Py_RETURN_NONE;
}

/* A cache of one, whose old value is forgotten. */
static PyObject *last;

static PyObject *remember(PyObject *Py_UNUSED(module), PyObject *count)
{
    PyObject *value = pm_new_list(PyLong_AsSsize_t(count));
    if (value == NULL)
        return NULL;
    pm_release_if_careful(last);
    last = value;
    Py_RETURN_NONE;
}

static PyObject *forget(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    Py_CLEAR(last);
    Py_RETURN_NONE;
}

/* A constant in a static variable; each call adds a reference to it that nobody releases. */
static PyObject *constant;

static PyObject *get_constant(PyObject *Py_UNUSED(module), PyObject *count)
{
    if (constant == NULL && (constant = pm_new_list(PyLong_AsSsize_t(count))) == NULL)
        return NULL;
    Py_INCREF(constant);
    if (!pm_careful)
        Py_INCREF(constant);
    return constant;
}

static PyMethodDef methods[] = {
    PM_CAREFUL,
    {"parse", parse, METH_O, NULL},
    {"set_item", set_item, METH_O, NULL},
    {"append", append, METH_O, NULL},
    {"pair", pair, METH_NOARGS, NULL},
    {"add_object", add_object, METH_O, NULL},
    {"hold_buffer", hold_buffer, METH_O, NULL},
    {"sum_items", sum_items, METH_O, NULL},
    {"first_item", first_item, METH_O, NULL},
    {"fast_sequence", fast_sequence, METH_O, NULL},
    {"attribute", attribute, METH_O, NULL},
    {"call_back", call_back, METH_O, NULL},
    {"swallow", swallow, METH_O, NULL},
    {"raise_object", raise_object, METH_NOARGS, NULL},
    {"encoded", encoded, METH_VARARGS, NULL},
    {"wide", wide, METH_O, NULL},
    {"remember", remember, METH_O, NULL},
    {"forget", forget, METH_NOARGS, NULL},
    {"get_constant", get_constant, METH_O, NULL},
    {NULL, NULL, 0, NULL}
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "pm_lose_calls", NULL, 0, methods, NULL, NULL, NULL, NULL
};

PyMODINIT_FUNC PyInit_pm_lose_calls(void)
{
    return PyModuleDef_Init(&definition);
}
