/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of layout_probe.c that fills in PM_LAYOUT_OBJECT_FIELDS. */
#include <structmember.h>

#if PY_VERSION_HEX < 0x030b0000
#include <longintrepr.h>
#endif
#if PY_VERSION_HEX >= 0x030b0000
#include "internal/pycore_dict.h"
#include "internal/pycore_object.h"
#endif
#if PY_VERSION_HEX >= 0x030a0000
#include "internal/pycore_moduleobject.h"
typedef PyModuleObject module_type;
#else
/* Objects/moduleobject.c; 2.7 has the first member only. */
typedef struct {
    PyObject_HEAD
    PyObject *md_dict;
    struct PyModuleDef *md_def;
    void *md_state;
    PyObject *md_weaklist;
    PyObject *md_name;
} module_type;
#endif

#if PY_MAJOR_VERSION >= 3 && PY_VERSION_HEX < 0x030b0000
/* Objects/dict-common.h, which is not installed. */
struct keys_object {
    Py_ssize_t dk_refcnt, dk_size;
    void *dk_lookup;
    Py_ssize_t dk_usable, dk_nentries;
    char dk_indices[];
};
#endif

#if PY_MAJOR_VERSION >= 3 && PY_VERSION_HEX < 0x030c0000
/* Modules/_collectionsmodule.c. */
struct deque_object {
    PyObject_VAR_HEAD
    void *leftblock, *rightblock;
    Py_ssize_t leftindex, rightindex;
};
#endif

static void probe_heads(void)
{
    numbers.object_refcount = offsetof(PyObject, ob_refcnt);
    numbers.object_refcount_bits = 64;
#if PY_VERSION_HEX >= 0x030c0000
    numbers.object_refcount_bits = 32;
#endif
#if PY_VERSION_HEX >= 0x030e0000
    numbers.object_overflow = offsetof(PyObject, ob_overflow);
#endif
    numbers.object_size = offsetof(PyVarObject, ob_size);
    numbers.object_bytes = sizeof(PyObject);
#if PY_VERSION_HEX >= 0x03080000
    numbers.gc_next = offsetof(PyGC_Head, _gc_next);
    numbers.gc_prev = offsetof(PyGC_Head, _gc_prev);
#else
    numbers.gc_next = offsetof(PyGC_Head, gc.gc_next);
    numbers.gc_prev = offsetof(PyGC_Head, gc.gc_prev);
#endif
}

static void probe_types(void)
{
    numbers.type_name = offsetof(PyTypeObject, tp_name);
    numbers.type_basic_size = offsetof(PyTypeObject, tp_basicsize);
    numbers.type_item_size = offsetof(PyTypeObject, tp_itemsize);
    numbers.type_dealloc = offsetof(PyTypeObject, tp_dealloc);
    numbers.type_flags = offsetof(PyTypeObject, tp_flags);
    numbers.type_doc = offsetof(PyTypeObject, tp_doc);
    numbers.type_traverse = offsetof(PyTypeObject, tp_traverse);
    numbers.type_weaklist_offset = offsetof(PyTypeObject, tp_weaklistoffset);
    numbers.type_members = offsetof(PyTypeObject, tp_members);
    numbers.type_base = offsetof(PyTypeObject, tp_base);
    numbers.type_dict = offsetof(PyTypeObject, tp_dict);
    numbers.type_dict_offset = offsetof(PyTypeObject, tp_dictoffset);
    numbers.type_bases = offsetof(PyTypeObject, tp_bases);
    numbers.type_mro = offsetof(PyTypeObject, tp_mro);
    numbers.type_is_gc = offsetof(PyTypeObject, tp_is_gc);
    numbers.type_cache = offsetof(PyTypeObject, tp_cache);
    numbers.type_subclasses = offsetof(PyTypeObject, tp_subclasses);
    numbers.type_bytes = sizeof(PyTypeObject);
#if PY_MAJOR_VERSION >= 3
    numbers.type_cached_keys = offsetof(PyHeapTypeObject, ht_cached_keys);
#endif
}

/* internal/pycore_object.h has these offsets as macros or inside inline functions. */
static void probe_preheader(void)
{
#if PY_VERSION_HEX >= 0x030b0000
    numbers.type_managed_dict_bit = __builtin_ctzl(Py_TPFLAGS_MANAGED_DICT);
    numbers.preheader_bytes = 2 * sizeof(PyObject *);
    numbers.preheader_dict = -3 * (i32)sizeof(PyObject *);
#endif
#if PY_VERSION_HEX >= 0x030d0000
    numbers.type_inline_values_bit = __builtin_ctzl(Py_TPFLAGS_INLINE_VALUES);
#endif
#if PY_VERSION_HEX >= 0x030c0000
    numbers.type_managed_weakref_bit = __builtin_ctzl(Py_TPFLAGS_MANAGED_WEAKREF);
    numbers.preheader_weakrefs = -4 * (i32)sizeof(PyObject *);
#endif
#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030c0000
    numbers.preheader_values = -4 * (i32)sizeof(PyObject *);
    numbers.preheader_values_less = 0;
#elif PY_VERSION_HEX >= 0x030c0000 && PY_VERSION_HEX < 0x030d0000
    numbers.preheader_values = numbers.preheader_dict;
    numbers.preheader_values_less = 1;
#endif
}

static void probe_texts(void)
{
#if PY_MAJOR_VERSION >= 3
    PyASCIIObject object;
    u32 bits;

    STATE_SHIFT(interned);
    memset(&object, 0, sizeof object);
    object.state.interned = ~0u;
    memcpy(&bits, &object.state, sizeof bits);
    numbers.unicode_interned_mask = (i32)(bits >> numbers.unicode_interned_shift);
    numbers.unicode_utf8 = offsetof(PyCompactUnicodeObject, utf8);
#if PY_VERSION_HEX < 0x030c0000
    numbers.unicode_wstr = offsetof(PyASCIIObject, wstr);
#endif
#else
    numbers.bytes_interned = offsetof(PyStringObject, ob_sstate);
    numbers.wide_length = offsetof(PyUnicodeObject, length);
    numbers.wide_data = offsetof(PyUnicodeObject, str);
    numbers.wide_encoded = offsetof(PyUnicodeObject, defenc);
#endif
    numbers.byte_array_data = offsetof(PyByteArrayObject, ob_bytes);
}

static void probe_values(void)
{
#if PY_VERSION_HEX >= 0x030c0000
    numbers.long_tag = offsetof(PyLongObject, long_value.lv_tag);
    numbers.long_digits = offsetof(PyLongObject, long_value.ob_digit);
#else
    numbers.long_digits = offsetof(struct _longobject, ob_digit);
#endif
    numbers.long_digit_bits = PyLong_SHIFT;
#if PY_MAJOR_VERSION < 3
    numbers.int_value = offsetof(PyIntObject, ob_ival);
#endif
    numbers.float_value = offsetof(PyFloatObject, ob_fval);
    numbers.complex_value = offsetof(PyComplexObject, cval);
}

static void probe_containers(void)
{
    numbers.list_items = offsetof(PyListObject, ob_item);
    numbers.tuple_items = offsetof(PyTupleObject, ob_item);
    numbers.dict_used = offsetof(PyDictObject, ma_used);
#if PY_MAJOR_VERSION < 3
    numbers.dict_mask = offsetof(PyDictObject, ma_mask);
    numbers.dict_table = offsetof(PyDictObject, ma_table);
    numbers.dict_small_table = offsetof(PyDictObject, ma_smalltable);
#else
    numbers.dict_keys = offsetof(PyDictObject, ma_keys);
    numbers.dict_values = offsetof(PyDictObject, ma_values);
    numbers.values_items = 0;
#if PY_VERSION_HEX >= 0x030b0000
    numbers.keys_log2_size = offsetof(struct _dictkeysobject, dk_log2_size);
    numbers.keys_log2_index_bytes = offsetof(struct _dictkeysobject, dk_log2_index_bytes);
    numbers.keys_kind = offsetof(struct _dictkeysobject, dk_kind);
    numbers.keys_entry_count = offsetof(struct _dictkeysobject, dk_nentries);
    numbers.keys_indices = offsetof(struct _dictkeysobject, dk_indices);
    numbers.values_items = offsetof(struct _dictvalues, values);
#else
    numbers.keys_size = offsetof(struct keys_object, dk_size);
    numbers.keys_entry_count = offsetof(struct keys_object, dk_nentries);
    numbers.keys_indices = offsetof(struct keys_object, dk_indices);
#endif
#endif
    numbers.set_used = offsetof(PySetObject, used);
    numbers.set_mask = offsetof(PySetObject, mask);
    numbers.set_table = offsetof(PySetObject, table);
    numbers.set_small_table = offsetof(PySetObject, smalltable);
    numbers.set_entry_key = offsetof(setentry, key);
#if PY_MAJOR_VERSION >= 3 && PY_VERSION_HEX < 0x030c0000
    numbers.deque_left_block = offsetof(struct deque_object, leftblock);
    numbers.deque_right_block = offsetof(struct deque_object, rightblock);
    numbers.deque_left_index = offsetof(struct deque_object, leftindex);
    numbers.deque_right_index = offsetof(struct deque_object, rightindex);
#endif
    numbers.weakref_object = offsetof(PyWeakReference, wr_object);
    numbers.weakref_previous = offsetof(PyWeakReference, wr_prev);
    numbers.weakref_next = offsetof(PyWeakReference, wr_next);
    numbers.cell_contents = offsetof(PyCellObject, ob_ref);
}

static void probe_named(void)
{
    numbers.module_dict = offsetof(module_type, md_dict);
#if PY_MAJOR_VERSION >= 3
    numbers.module_state = offsetof(module_type, md_state);
    numbers.module_name = offsetof(module_type, md_name);
    numbers.function_name = offsetof(PyFunctionObject, func_qualname);
#else
    numbers.function_name = offsetof(PyFunctionObject, func_name);
#endif
    numbers.builtin_method = offsetof(PyCFunctionObject, m_ml);
}

static void probe_locals(void)
{
#if PY_VERSION_HEX < 0x030b0000
    numbers.frame_builtins = offsetof(PyFrameObject, f_builtins);
    numbers.frame_values = offsetof(PyFrameObject, f_valuestack);
#if PY_MAJOR_VERSION >= 3
    numbers.frame_object_generator = offsetof(PyFrameObject, f_gen);
#endif
#if PY_VERSION_HEX < 0x030a0000
    numbers.frame_values_top = offsetof(PyFrameObject, f_stacktop);
#if PY_MAJOR_VERSION >= 3
    numbers.frame_executing = offsetof(PyFrameObject, f_executing);
#endif
#endif
#endif
    numbers.code_local_count = offsetof(PyCodeObject, co_nlocals);
#if PY_VERSION_HEX >= 0x030b0000
    numbers.frame_locals = offsetof(frame_type, localsplus);
    numbers.frame_object_frame = offsetof(PyFrameObject, f_frame);
    numbers.frame_object_data = offsetof(PyFrameObject, _f_frame_data);
    numbers.code_local_names = offsetof(PyCodeObject, co_localsplusnames);
    numbers.generator_frame = offsetof(PyGenObject, gi_iframe);
#else
    numbers.frame_locals = offsetof(frame_type, f_localsplus);
    numbers.generator_frame = offsetof(PyGenObject, gi_frame);
    numbers.code_local_names = offsetof(PyCodeObject, co_varnames);
    numbers.code_cell_names = offsetof(PyCodeObject, co_cellvars);
    numbers.code_free_names = offsetof(PyCodeObject, co_freevars);
#endif
}

static void probe_objects(void)
{
    probe_heads();
    probe_types();
    probe_preheader();
    probe_texts();
    probe_values();
    probe_containers();
    probe_named();
    probe_locals();
}
