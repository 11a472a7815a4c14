/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types with faults: deallocators that forget something, members replaced
   without releasing the old value, a type that the collector cannot look into,
   heap types. */
#include "pm_lose.h"

#include <stdlib.h>
#include <structmember.h>

/* Box(held, forgets): holds an object and a buffer. forgets names its faults: any of
   "data", "held", "self" (deallocator), "old" (replacing held), "temporary" (repr), "more" (item). */
typedef struct {
    PyObject_HEAD
    PyObject *held;
    char *data;
    char forgets[12];
} Box;

static int forgets(const Box *self, const char *what)
{
    return !pm_careful && strcmp(self->forgets, what) == 0;
}

static int box_init(PyObject *object, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    Box *self = (Box *)object;
    PyObject *held;
    const char *what = "";
    if (!PyArg_ParseTuple(arguments, "O|s", &held, &what))
        return -1;
    strncpy(self->forgets, what, sizeof self->forgets - 1);
    if (self->data == NULL && (self->data = PyMem_Malloc(80)) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (!forgets(self, "old"))
        Py_XDECREF(self->held);
    Py_INCREF(held);
    self->held = held;
    return 0;
}

static void box_dealloc(PyObject *object)
{
    Box *self = (Box *)object;
    /* The lost memory may be in use again by the time of the search. */
    if (!forgets(self, "data")) {
        PyMem_Free(self->data);
        self->data = NULL;
    }
    if (!forgets(self, "held"))
        Py_CLEAR(self->held);
    if (!forgets(self, "self"))
        Py_TYPE(object)->tp_free(object);
}

static PyObject *box_repr(PyObject *object)
{
    PyObject *inner = PyUnicode_FromFormat("of type %s, quite long", Py_TYPE(((Box *)object)->held)->tp_name);
    PyObject *text = inner ? PyUnicode_FromFormat("<box %U>", inner) : NULL;
    if (!forgets((Box *)object, "temporary"))
        Py_XDECREF(inner);
    return text;
}

static PyObject *box_get(PyObject *object, void *Py_UNUSED(closure))
{
    Box *self = (Box *)object;
    Py_INCREF(self->held);
    if (forgets(self, "more"))
        Py_INCREF(self->held);
    return self->held;
}

static int box_set(PyObject *object, PyObject *value, void *Py_UNUSED(closure))
{
    Box *self = (Box *)object;
    PyObject *old = self->held;
    Py_XINCREF(value);
    self->held = value;
    if (!forgets(self, "old"))
        Py_XDECREF(old);
    return 0;
}

static PyGetSetDef box_attributes[] = {
    {"held", box_get, box_set, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL}
};

static PyTypeObject box_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pm_lose_types.Box",
    .tp_basicsize = sizeof(Box),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = PyType_GenericNew,
    .tp_init = box_init,
    .tp_dealloc = box_dealloc,
    .tp_repr = box_repr,
    .tp_getset = box_attributes,
};

/* Node: a link. Blind: the collector knows the type, but its traverse forgets the link. */
typedef struct {
    PyObject_HEAD
    PyObject *next;
} Node;

static void node_dealloc(PyObject *object)
{
    if (PyObject_IS_GC(object))
        PyObject_GC_UnTrack(object);
    Py_XDECREF(((Node *)object)->next);
    Py_TYPE(object)->tp_free(object);
}

static int blind_traverse(PyObject *object, visitproc visit, void *arg)
{
    if (!pm_careful)
        return 0;
    Py_VISIT(((Node *)object)->next);
    return 0;
}

static int blind_clear(PyObject *object)
{
    Py_CLEAR(((Node *)object)->next);
    return 0;
}

static PyMemberDef node_members[] = {
    {"next", T_OBJECT, offsetof(Node, next), 0, NULL},
    {NULL, 0, 0, 0, NULL}
};

static PyTypeObject node_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pm_lose_types.Node",
    .tp_basicsize = sizeof(Node),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_dealloc = node_dealloc,
    .tp_members = node_members,
};

static PyTypeObject blind_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pm_lose_types.Blind",
    .tp_basicsize = sizeof(Node),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_dealloc = node_dealloc,
    .tp_traverse = blind_traverse,
    .tp_clear = blind_clear,
    .tp_members = node_members,
};

/* Steps(list): an iterator that forgets each item that it returns. */
typedef struct {
    PyObject_HEAD
    PyObject *items;
    Py_ssize_t at;
} Steps;

static PyObject *steps_new(PyTypeObject *type, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    PyObject *items;
    if (!PyArg_ParseTuple(arguments, "O!", &PyList_Type, &items))
        return NULL;
    Steps *self = (Steps *)type->tp_alloc(type, 0);
    if (self != NULL) {
        Py_INCREF(items);
        self->items = items;
    }
    return (PyObject *)self;
}

static void steps_dealloc(PyObject *object)
{
    Py_XDECREF(((Steps *)object)->items);
    Py_TYPE(object)->tp_free(object);
}

static PyObject *steps_next(PyObject *object)
{
    Steps *self = (Steps *)object;
    if (self->at >= PyList_GET_SIZE(self->items))
        return NULL;
    PyObject *item = PyList_GET_ITEM(self->items, self->at++);
    Py_INCREF(item);
    if (!pm_careful)
        Py_INCREF(item);
    return item;
}

static PyTypeObject steps_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pm_lose_types.Steps",
    .tp_basicsize = sizeof(Steps),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = steps_new,
    .tp_dealloc = steps_dealloc,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = steps_next,
};

/* Even(number): its constructor forgets the half-made object when it refuses the argument. */
static PyObject *even_new(PyTypeObject *type, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    long number;
    if (!PyArg_ParseTuple(arguments, "l", &number))
        return NULL;
    PyObject *self = type->tp_alloc(type, 0);
    if (self != NULL && number % 2 != 0) {
        PyErr_SetString(PyExc_ValueError, "an even number is needed");
        pm_release_if_careful(self);
        return NULL;
    }
    return self;
}

static void even_dealloc(PyObject *object)
{
    Py_TYPE(object)->tp_free(object);
}

static PyTypeObject even_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "pm_lose_types.Even",
    .tp_basicsize = sizeof(PyObject) + 24,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = even_new,
    .tp_dealloc = even_dealloc,
};

/* make_type(): a new heap type. Its deallocator forgets the reference that each instance has to
   its type (3.8 and later). */
static void heap_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    type->tp_free(object);
    pm_release_if_careful((PyObject *)type);
}

static PyType_Slot heap_slots[] = {
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_dealloc, heap_dealloc},
    {0, NULL}
};

static PyType_Spec heap_spec = {
    "pm_lose_types.Heap", sizeof(PyObject) + 16, 0, Py_TPFLAGS_DEFAULT, heap_slots
};

static PyObject *make_type(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyType_FromSpec(&heap_spec);
}

static PyObject *lose_type(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return pm_lose(PyType_FromSpec(&heap_spec));
}

static PyObject *lose_instance(PyObject *Py_UNUSED(module), PyObject *type)
{
    return pm_lose(PyObject_CallObject(type, NULL));
}

/* A capsule is given the memory, but no destructor that would free it. */
static void free_capsule(PyObject *capsule)
{
    free(PyCapsule_GetPointer(capsule, "pm_lose.memory"));
}

static PyObject *capsule_of_memory(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    char *memory = malloc(90);
    memset(memory, 0, 90);
    return PyCapsule_New(memory, "pm_lose.memory", pm_careful ? free_capsule : NULL);
}

static PyMethodDef methods[] = {
    PM_CAREFUL,
    {"make_type", make_type, METH_NOARGS, NULL},
    {"lose_type", lose_type, METH_NOARGS, NULL},
    {"lose_instance", lose_instance, METH_O, NULL},
    {"capsule_of_memory", capsule_of_memory, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL}
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "pm_lose_types", NULL, -1, methods, NULL, NULL, NULL, NULL
};

PyMODINIT_FUNC PyInit_pm_lose_types(void)
{
    PyObject *module = PyModule_Create(&definition);
    PyTypeObject *types[] = {&box_type, &node_type, &blind_type, &steps_type, &even_type};
    for (size_t i = 0; module != NULL && i < sizeof types / sizeof *types; i++) {
        PyObject *type = (PyObject *)types[i];
        if (PyType_Ready(types[i]) < 0)
            return NULL;
        Py_INCREF(type);
        if (PyModule_AddObject(module, strchr(types[i]->tp_name, '.') + 1, type) < 0)
            return NULL;
    }
    return module;
}
