/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An extension whose blocks are allocated far inside of it. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdlib>
#include <unordered_map>
#include <vector>

struct Model {
    int number = 3;
};

struct Wrapper {
    PyObject_HEAD
    Model *model;
};

/* From each model to the object that wraps it, as libraries for bindings have it. Owns nothing. */
static std::unordered_map<const void *, PyObject *> *wrappers;

static int wrapper_init(PyObject *self, PyObject *, PyObject *)
{
    auto *wrapper = reinterpret_cast<Wrapper *>(self);

    wrapper->model = new Model;
    wrappers->emplace(wrapper->model, self);
    return 0;
}

static void wrapper_dealloc(PyObject *self)
{
    auto *wrapper = reinterpret_cast<Wrapper *>(self);

    wrappers->erase(wrapper->model);
    delete wrapper->model;
    Py_TYPE(self)->tp_free(self);
}

static PyTypeObject wrapper_type = { PyVarObject_HEAD_INIT(nullptr, 0) };

/* A parent owns its children by memory that is no object. */
struct Family {
    std::vector<PyObject *> children;
};

struct Parent {
    PyObject_HEAD
    Family *family;
};

static PyTypeObject parent_type = { PyVarObject_HEAD_INIT(nullptr, 0) };

static int parent_init(PyObject *self, PyObject *, PyObject *)
{
    reinterpret_cast<Parent *>(self)->family = new Family;
    return 0;
}

static void parent_dealloc(PyObject *self)
{
    auto *parent = reinterpret_cast<Parent *>(self);

    for (PyObject *child : parent->family->children)
        Py_DECREF(child);
    delete parent->family;
    Py_TYPE(self)->tp_free(self);
}

/* add(more): makes a child and keeps it, with so many references too many. */
static PyObject *parent_add(PyObject *self, PyObject *more)
{
    PyObject *child = wrapper_type.tp_alloc(&wrapper_type, 0);

    for (long count = PyLong_AsLong(more); child != nullptr && count > 0; count--)
        Py_INCREF(child);
    if (child == nullptr)
        return nullptr;
    reinterpret_cast<Parent *>(self)->family->children.push_back(child);
    Py_RETURN_NONE;
}

static PyMethodDef parent_methods[] = {
    { "add", parent_add, METH_O, nullptr },
    { nullptr, nullptr, 0, nullptr },
};

static PyObject *keep(PyObject *, PyObject *object)
{
    Py_INCREF(object);
    Py_RETURN_NONE;
}

extern "C" {

__attribute__((noinline)) void pm_deep_lose(long depth)
{
    if (depth > 1) {
        pm_deep_lose(depth - 1);
    } else {
        volatile void *lost = malloc(3000);
        lost = nullptr;
        (void)lost;
    }
    __asm__ volatile("" ::: "memory");      /* no tail call */
}

/* lose(depth): leaks a block so many calls of pm_deep_lose inside of it. */
PyObject *pm_deep_enter(PyObject *, PyObject *depth)
{
    pm_deep_lose(PyLong_AsLong(depth));
    Py_RETURN_NONE;
}

/* lose_two(which): leaks a block at one of two lines. */
PyObject *pm_deep_lose_two(PyObject *, PyObject *which)
{
    volatile void *lost;

    if (PyLong_AsLong(which) == 0)
        lost = malloc(500);     /* the first line */
    else
        lost = malloc(700);     /* the second line */
    lost = nullptr;
    (void)lost;
    Py_RETURN_NONE;
}

}

static PyMethodDef functions[] = {
    { "keep", keep, METH_O, nullptr },
    { "lose", pm_deep_enter, METH_O, nullptr },
    { "lose_two", pm_deep_lose_two, METH_O, nullptr },
    { nullptr, nullptr, 0, nullptr },
};

static PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "pm_deep", nullptr, -1, functions, nullptr, nullptr, nullptr, nullptr,
};

PyMODINIT_FUNC PyInit_pm_deep(void)
{
    wrapper_type.tp_name = "pm_deep.Wrapper";
    wrapper_type.tp_basicsize = sizeof(Wrapper);
    wrapper_type.tp_flags = Py_TPFLAGS_DEFAULT;
    wrapper_type.tp_new = PyType_GenericNew;
    wrapper_type.tp_init = wrapper_init;
    wrapper_type.tp_dealloc = wrapper_dealloc;
    parent_type.tp_name = "pm_deep.Parent";
    parent_type.tp_basicsize = sizeof(Parent);
    parent_type.tp_flags = Py_TPFLAGS_DEFAULT;
    parent_type.tp_new = PyType_GenericNew;
    parent_type.tp_init = parent_init;
    parent_type.tp_dealloc = parent_dealloc;
    parent_type.tp_methods = parent_methods;
    wrappers = new std::unordered_map<const void *, PyObject *>;
    if (PyType_Ready(&wrapper_type) < 0 || PyType_Ready(&parent_type) < 0)
        return nullptr;
    PyObject *made = PyModule_Create(&module);
    Py_INCREF(&wrapper_type);
    Py_INCREF(&parent_type);
    if (made != nullptr) {
        PyModule_AddObject(made, "Wrapper", reinterpret_cast<PyObject *>(&wrapper_type));
        PyModule_AddObject(made, "Parent", reinterpret_cast<PyObject *>(&parent_type));
    }
    return made;
}
