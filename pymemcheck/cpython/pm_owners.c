/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpython/pm_owners.h"

#include "base/pm_pattern.h"
#include "base/pm_platform.h"

/* Patterns (base/pm_pattern.h). The first that fits counts. Names are of Objects/,
   Python/ and Include/, 2.7 to 3.15. */
struct named {
    const char *function;
    enum pm_owner owner;
    const char *container;
};

#define CALLER(name) { name, PM_OWNER_CALLER, NULL }
#define CALL(name) { name, PM_OWNER_CALL, NULL }
#define EVALUATION(name) { name, PM_OWNER_EVALUATION, NULL }
#define HELD(container, name) { name, PM_OWNER_CONTAINER, container }

static const struct named list[] = {
    /* The counts themselves: Objects/object.c, Include/object.h, Include/refcount.h. */
    CALLER("Py_INCREF*"), CALLER("Py_DECREF*"), CALLER("Py_XINCREF*"), CALLER("Py_XDECREF*"),
    CALLER("Py_IncRef"), CALLER("Py_DecRef"), CALLER("_Py_IncRef"), CALLER("_Py_DecRef"),
    CALLER("Py_NewRef"), CALLER("_Py_NewRef"), CALLER("Py_XNewRef"), CALLER("_Py_XNewRef"),
    CALLER("Py_SET_REFCNT"), CALLER("_Py_SET_REFCNT"), CALLER("_Py_DECREF_*"), CALLER("_Py_INCREF_*"),
    CALLER("_Py_Dealloc"), CALLER("_Py_NewReference*"), CALLER("new_reference"), HELD("instance", "_PyObject_Init*"),
    HELD("instance", "PyObject_Init*"), HELD("instance", "_PyObject_INIT*"), HELD("instance", "PyObject_INIT*"),
    CALLER("PyStackRef_*"),

    /* Births. */
    HELD("instance", "_PyObject_New"), HELD("instance", "_PyObject_GC_New*"), HELD("instance", "_PyObject_NewVar"), HELD("instance", "PyType_Generic*"),
    HELD("instance", "_PyType_Alloc*"), CALLER("object_new"), CALLER("type_call"), CALLER("type_new*"),
    CALLER("_PyType_NewManagedObject"), CALLER("PyLong_From*"), CALLER("_PyLong_*"), CALLER("PyFloat_From*"),
    CALLER("PyUnicode_*"), CALLER("_PyUnicode_*"), CALLER("unicode_*"), CALLER("PyBytes_From*"),
    CALLER("bytes_new*"), CALLER("PyList_New"), CALLER("PyTuple_New"), CALLER("PyDict_New"), CALLER("dict_new*"),
    CALLER("new_dict*"), CALLER("make_new_set*"), CALLER("PySet_New"), CALLER("get_small_int"),

    /* They return a new reference: attributes, items, iterators. */
    CALLER("PyObject_Get*"), CALLER("_PyObject_Get*"), CALLER("PyObject_GenericGet*"), CALLER("_PyObject_GenericGet*"),
    CALLER("_PyObject_LookupAttr*"), CALLER("_PyType_Lookup*"), CALLER("_PyObject_LookupSpecial*"),
    CALLER("type_getattro*"), CALLER("_Py_type_getattro*"), CALLER("module_getattro"), CALLER("_Py_module_getattro*"),
    CALLER("slot_tp_getattr*"), CALLER("PyMember_GetOne"), CALLER("member_get"), CALLER("getset_get"),
    CALLER("property_descr_get"), CALLER("func_descr_get"), CALLER("PyDict_GetItemRef*"), CALLER("dict_subscript"),
    CALLER("dict_get*"), CALLER("PySequence_GetItem"), CALLER("PySequence_ITEM"), CALLER("PyMapping_GetItem*"),
    CALLER("list_item"), CALLER("list_subscript"), CALLER("PyList_GetItemRef"), CALLER("list_get_item_ref"),
    CALLER("tupleitem"), CALLER("tuple_item"), CALLER("tuplesubscript"), CALLER("tuple_subscript"),
    CALLER("PyIter_Next*"), CALLER("listiter_next"), CALLER("tupleiter_next"), CALLER("iter_iternext"),
    CALLER("dictiter_iter*"), CALLER("setiter_iternext"), CALLER("PyObject_SelfIter"), CALLER("wrap_*"),
    CALLER("Py_BuildValue*"), CALLER("_Py_BuildValue*"), CALLER("Py_VaBuildValue*"), CALLER("va_build_value*"),
    CALLER("do_mk*"), CALLER("_Py_VaBuildStack*"), CALLER("PyCell_Get"), CALLER("PyErr_Fetch*"), CALLER("PyErr_GetRaised*"),
    CALLER("_PyErr_GetRaised*"), CALLER("_PyErr_Fetch*"), CALLER("PyErr_GetExcInfo"), CALLER("PyErr_Restore"),
    CALLER("_PyErr_Restore"), CALLER("PyErr_SetExcInfo"), CALLER("PyErr_SetRaisedException"),
    CALLER("_PyErr_SetRaisedException"), CALLER("PyImport_*"), CALLER("PyWeakref_GetRef"),
    CALLER("_PyWeakref_GET_REF"), CALLER("PyContextVar_Get"),
    CALLER("PyArg_*"), CALLER("_PyArg_*"), CALLER("vgetargs*"), CALLER("convertsimple*"), CALLER("convertitem*"),
    CALLER("getbuffer*"), CALLER("PyObject_GetBuffer"), CALLER("PyBuffer_*"), CALLER("*_getbuffer"),

    HELD("list", "list_append*"), HELD("list", "PyList_Append"), HELD("list", "_PyList_AppendTakeRef*"),
    HELD("list", "app1"), HELD("list", "ins1"), HELD("list", "PyList_Insert"), HELD("list", "list_insert*"),
    HELD("list", "list_extend*"), HELD("list", "_PyList_Extend"), HELD("list", "list___init__*"),
    HELD("list", "list_slice*"), HELD("list", "PyList_GetSlice"), HELD("list", "list_concat*"),
    HELD("list", "list_repeat*"), HELD("list", "list_inplace*"), HELD("list", "list_ass*"),
    HELD("list", "PyList_SetSlice"), HELD("list", "PyList_SetItem"), HELD("list", "list_copy*"),
    HELD("list", "list_clear*"), HELD("list", "_list_clear"), HELD("list", "list_dealloc"),
    HELD("list", "list_remove*"), HELD("list", "PySequence_List"), HELD("list", "list_resize"),

    HELD("tuple", "tupledealloc"), HELD("tuple", "tuple_dealloc"), HELD("tuple", "PyTuple_Pack"),
    HELD("tuple", "_PyTuple_From*"), HELD("tuple", "tupleconcat"), HELD("tuple", "tuple_concat"),
    HELD("tuple", "tuplerepeat"), HELD("tuple", "tuple_repeat"), HELD("tuple", "tupleslice"),
    HELD("tuple", "tuple_slice"), HELD("tuple", "PyTuple_GetSlice"), HELD("tuple", "PyList_AsTuple"),
    HELD("tuple", "PySequence_Tuple"), HELD("tuple", "PyTuple_SetItem"), HELD("tuple", "structseq_dealloc"),

    HELD("dict", "insertdict*"), HELD("dict", "insert_*dict*"), HELD("dict", "PyDict_Set*"), HELD("dict", "_PyDict_Set*"),
    HELD("dict", "_PyDict_SetItem*"), HELD("dict", "setitem_*"), HELD("dict", "dict_ass_sub"), HELD("dict", "dict_merge*"),
    HELD("dict", "PyDict_Merge*"), HELD("dict", "PyDict_Update"), HELD("dict", "dict_update*"),
    HELD("dict", "clone_combined_dict*"), HELD("dict", "PyDict_Copy"), HELD("dict", "copy_lock_held"),
    HELD("dict", "dict_setdefault*"), HELD("dict", "PyDict_SetDefault*"), HELD("dict", "delitem*"),
    HELD("dict", "PyDict_DelItem*"), HELD("dict", "_PyDict_DelItem*"), HELD("dict", "dict_dealloc"),
    HELD("dict", "free_keys_object*"), HELD("dict", "dictkeys_*"), HELD("dict", "PyDict_Clear"),
    HELD("dict", "dict_clear*"), HELD("dict", "clear_lock_held"), HELD("dict", "free_values*"),
    HELD("dict", "dictresize"), HELD("dict", "insertion_resize"), HELD("dict", "_PyObjectDict_SetItem*"),
    HELD("dict", "_PyObject_StoreInstance*"), HELD("dict", "store_instance_attr*"),
    HELD("dict", "_PyObject_FreeInstance*"), HELD("dict", "*ClearManagedDict*"), HELD("dict", "clear_inline_values"),
    HELD("dict", "_PyObject_ClearInstance*"), HELD("dict", "_PyModule_Clear*"), HELD("dict", "dict_popitem*"),
    HELD("dict", "_PyObject_GenericSetAttr*"), HELD("dict", "PyObject_GenericSetAttr"),
    HELD("dict", "_PyObject_InitInlineValues"), HELD("dict", "build_indices*"),

    HELD("set", "set_add_*"), HELD("set", "set_table_*"), HELD("set", "set_dealloc"), HELD("set", "set_clear*"),
    HELD("set", "set_update*"), HELD("set", "set_merge*"), HELD("set", "set_discard*"), HELD("set", "set_copy*"),
    HELD("set", "PySet_Add"),

    HELD("instance", "subtype_dealloc"),
    HELD("slots of an instance", "clear_slots"), HELD("slots of an instance", "PyMember_SetOne"),
    HELD("slots of an instance", "subtype_clear"),
    HELD("bound method", "PyMethod_New"), HELD("bound method", "method_dealloc"),
    HELD("builtin method", "PyCMethod_New"), HELD("builtin method", "PyCFunction_New*"),
    HELD("builtin method", "meth_dealloc"),
    HELD("cell", "PyCell_*"), HELD("cell", "cell_*"),
    HELD("function", "PyFunction_*"), HELD("function", "func_dealloc"), HELD("function", "func_clear"),
    HELD("iterator", "PySeqIter_New"), HELD("iterator", "iter_dealloc"), HELD("iterator", "list_iter"),
    HELD("iterator", "listiter_dealloc"), HELD("iterator", "tuple_iter"), HELD("iterator", "tupleiter_dealloc"),
    HELD("iterator", "dictiter_new"), HELD("iterator", "dictiter_dealloc"), HELD("iterator", "set_iter"),
    HELD("iterator", "setiter_dealloc"),
    HELD("descriptor", "PyDescr_*"), HELD("descriptor", "descr_*"), HELD("descriptor", "type_add_*"),
    HELD("descriptor", "add_*"), HELD("descriptor", "type_ready*"), HELD("descriptor", "PyType_Ready"),
    HELD("class", "mro_*"), HELD("class", "type_mro*"), HELD("class", "pmerge"),
    HELD("weak reference", "weakref_*"),

    EVALUATION("_PyEval_*"), EVALUATION("PyEval_*"), EVALUATION("_TAIL_CALL_*"), EVALUATION("_PyFrame_*"), EVALUATION("PyFrame_*"),
    EVALUATION("frame_dealloc"), EVALUATION("frame_tp_clear"), EVALUATION("frame_clear"), EVALUATION("clear_thread_frame"),
    EVALUATION("clear_gen_frame"), EVALUATION("_PyEvalFrame*"), EVALUATION("initialize_locals"),
    EVALUATION("_PyEvalFramePushAndInit*"), CALL("_PyFunction_Vectorcall"), CALL("function_code_fastcall"),
    CALL("fast_function"), CALL("call_function"), CALL("do_call*"), CALL("ext_do_call"),
    CALL("method_vectorcall*"), CALL("method_call"), CALL("vectorcall_*"), CALL("PyObject_Vectorcall*"),
    CALL("_PyObject_Vectorcall*"), CALL("_PyVectorcall_*"), CALL("PyVectorcall_*"),
    CALL("_PyObject_FastCall*"), CALL("_PyObject_MakeTpCall"), CALL("cfunction_*"),
    CALL("_PyMethodDef_*"), CALL("_PyCFunction_*"), CALL("_PyStack_*"), CALL("slot_tp_*"),
    CALL("call_method"), CALL("lookup_maybe_method"), CALL("vectorcall_method"), EVALUATION("gen_*"),
    EVALUATION("_PyGen_*"), EVALUATION("PyGen_*"), CALL("call_function_tail"), EVALUATION("unpack_iterable"),
    CALL("_Py_VectorCall*_StackRef*"), CALL("_Py_Call*_StackRef*"), CALL("_Py_Builtin*_StackRef*"),
    CALL("_PyCallMethodDescriptor*"), CALLER("_Py_LoadAttr_StackRef*"),

    /* An extension may call these itself, and then has what they return. */
    CALLER("PyObject_Call*"), CALLER("_PyObject_Call*"), CALLER("PyCFunction_*"), CALLER("object_vacall"),
};

/* Compilers append a dot and words. */
static size_t bare_length(const char *function)
{
    size_t length = 0;

    while (function[length] != '\0' && (function[length] != '.' || length == 0))
        length++;
    return length;
}

static bool fits(const char *pattern, const char *function, size_t length)
{
    return pm_pattern_matches(pattern, pm_length(pattern), function, length);
}

enum pm_owner pm_owner_of(const char *function, const char **container)
{
    const size_t length = bare_length(function);

    *container = NULL;
    for (size_t i = 0; i < PM_ARRAY_LENGTH(list); i++)
        if (fits(list[i].function, function, length)) {
            *container = list[i].container;
            return list[i].owner;
        }
    return PM_OWNER_ITSELF;
}

bool pm_owner_is_helper(const char *function)
{
    static const char *const helpers[] = {
        "Py_INCREF*", "Py_DECREF*", "Py_XINCREF*", "Py_XDECREF*", "Py_IncRef", "Py_DecRef", "Py_NewRef",
        "_Py_NewRef", "Py_XNewRef", "_Py_XNewRef", "Py_SET_REFCNT", "_Py_Dealloc", "_Py_DECREF*", "_Py_INCREF*",
        "Py_SETREF", "PyObject_INIT*", "_PyObject_INIT*", "__Pyx_*", "__pyx_tp_dealloc_*",
        "pybind11::handle::inc_ref*", "pybind11::handle::dec_ref*", "pybind11::object::~object*",
    };
    const size_t length = bare_length(function);

    for (size_t i = 0; i < PM_ARRAY_LENGTH(helpers); i++)
        if (fits(helpers[i], function, length))
            return true;
    return false;
}
