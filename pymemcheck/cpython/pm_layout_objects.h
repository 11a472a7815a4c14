/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second part of PM_LAYOUT_FIELDS: what objects are and hold. For pm_object*.c, pm_births.c and the
   leak search; the frame walk uses none of it.

   Offsets are in bytes from the start of the object that the first word names. Those called
   preheader_ are negative: the words lie before the object. PM_LAYOUT_ABSENT if a version has no such
   field. Sources: each interpreter's headers; Objects/dict-common.h for the dict keys of 3.6 to
   3.10, Objects/moduleobject.c for modules up to 3.9, Modules/_collectionsmodule.c for deques. */
#ifndef PM_LAYOUT_OBJECTS_H
#define PM_LAYOUT_OBJECTS_H

#define PM_LAYOUT_OBJECT_FIELDS(FIELD) \
    FIELD(object_refcount)          /* PyObject.ob_refcnt */ \
    FIELD(object_refcount_bits)     /* 64; 32 from 3.12 on, where a negative count is immortal */ \
    FIELD(object_overflow)          /* PyObject.ob_overflow, 16 bits, 3.14+; 0 in objects that live */ \
    FIELD(object_size)              /* PyVarObject.ob_size */ \
    FIELD(object_bytes)             /* size of PyObject */ \
    FIELD(gc_next)                  /* PyGC_Head._gc_next; the two lowest bits may be flags */ \
    FIELD(gc_prev)                  /* ... _gc_prev; the same */ \
    FIELD(type_name)                /* PyTypeObject.tp_name */ \
    FIELD(type_basic_size)          /* ... tp_basicsize */ \
    FIELD(type_item_size)           /* ... tp_itemsize */ \
    FIELD(type_dealloc)             /* ... tp_dealloc */ \
    FIELD(type_flags)               /* ... tp_flags */ \
    FIELD(type_doc)                 /* ... tp_doc: a block of its own if the type was made at run time */ \
    FIELD(type_traverse)            /* ... tp_traverse */ \
    FIELD(type_weaklist_offset)     /* ... tp_weaklistoffset */ \
    FIELD(type_members)             /* ... tp_members */ \
    FIELD(type_base)                /* ... tp_base */ \
    FIELD(type_dict)                /* ... tp_dict */ \
    FIELD(type_dict_offset)         /* ... tp_dictoffset */ \
    FIELD(type_bases)               /* ... tp_bases */ \
    FIELD(type_mro)                 /* ... tp_mro */ \
    FIELD(type_is_gc)               /* ... tp_is_gc */ \
    FIELD(type_cache)               /* ... tp_cache */ \
    FIELD(type_subclasses)          /* ... tp_subclasses */ \
    FIELD(type_bytes)               /* size of PyTypeObject */ \
    FIELD(type_cached_keys)         /* PyHeapTypeObject.ht_cached_keys */ \
    FIELD(type_inline_values_bit)   /* bit of tp_flags: values after the object, 3.13 and later */ \
    FIELD(type_managed_weakref_bit) /* bit of tp_flags: weak references in the pre-header, 3.12+ */ \
    FIELD(type_managed_dict_bit)    /* bit of tp_flags: dict in the pre-header, 3.11+ */ \
    FIELD(preheader_bytes)          /* before the GC head of objects with a managed dict or weakref */ \
    FIELD(preheader_weakrefs)       /* 3.12+ */ \
    FIELD(preheader_values)         /* pointer to the values, 3.11 and 3.12; in 3.12 the dict's word */ \
    FIELD(preheader_values_less)    /* subtracted from that pointer as a mark: 1 in 3.12, else 0 */ \
    FIELD(preheader_dict)           /* pointer to the dict, 3.11+ */ \
    FIELD(bytes_interned)           /* PyStringObject.ob_sstate, 32 bits, 2.7 only */ \
    FIELD(unicode_interned_shift)   /* lowest bit of state.interned */ \
    FIELD(unicode_interned_mask)    /* its bits, shifted down */ \
    FIELD(unicode_wstr)             /* PyASCIIObject.wstr, up to 3.11 */ \
    FIELD(unicode_utf8)             /* PyCompactUnicodeObject.utf8 */ \
    FIELD(wide_length)              /* PyUnicodeObject.length, 2.7 only */ \
    FIELD(wide_data)                /* ... str, a pointer, 2.7 only */ \
    FIELD(wide_encoded)             /* ... defenc, 2.7 only */ \
    FIELD(byte_array_data)          /* PyByteArrayObject.ob_bytes */ \
    FIELD(int_value)                /* PyIntObject.ob_ival, 2.7 only */ \
    FIELD(long_tag)                 /* PyLongObject.long_value.lv_tag, 3.12+; before, ob_size */ \
    FIELD(long_digits)              /* PyLongObject.ob_digit, 32 bits each */ \
    FIELD(long_digit_bits)          /* how many bits of each are used */ \
    FIELD(float_value)              /* PyFloatObject.ob_fval */ \
    FIELD(complex_value)            /* PyComplexObject.cval: two doubles */ \
    FIELD(list_items)               /* PyListObject.ob_item */ \
    FIELD(tuple_items)              /* PyTupleObject.ob_item[0] */ \
    FIELD(dict_used)                /* PyDictObject.ma_used */ \
    FIELD(dict_mask)                /* ... ma_mask, 2.7 only */ \
    FIELD(dict_table)               /* ... ma_table, 2.7 only; entries of hash, key, value */ \
    FIELD(dict_small_table)         /* ... ma_smalltable, 2.7 only */ \
    FIELD(dict_keys)                /* ... ma_keys */ \
    FIELD(dict_values)              /* ... ma_values */ \
    FIELD(keys_size)                /* PyDictKeysObject.dk_size, up to 3.10 */ \
    FIELD(keys_log2_size)           /* ... dk_log2_size, 8 bits, 3.11+ */ \
    FIELD(keys_log2_index_bytes)    /* ... dk_log2_index_bytes, 8 bits, 3.11+ */ \
    FIELD(keys_kind)                /* ... dk_kind, 8 bits, 3.11+; 0: entries have a hash */ \
    FIELD(keys_entry_count)         /* ... dk_nentries */ \
    FIELD(keys_indices)             /* ... dk_indices; the entries follow */ \
    FIELD(values_items)             /* PyDictValues.values[0] */ \
    FIELD(set_used)                 /* PySetObject.used */ \
    FIELD(set_mask)                 /* ... mask */ \
    FIELD(set_table)                /* ... table */ \
    FIELD(set_small_table)          /* ... smalltable */ \
    FIELD(set_entry_key)            /* setentry.key, of 16 bytes */ \
    FIELD(deque_left_block)         /* dequeobject.leftblock, 3.6 to 3.11 */ \
    FIELD(deque_right_block)        /* ... rightblock */ \
    FIELD(deque_left_index)         /* ... leftindex */ \
    FIELD(deque_right_index)        /* ... rightindex */ \
    FIELD(module_dict)              /* PyModuleObject.md_dict */ \
    FIELD(module_state)             /* ... md_state, 3.x */ \
    FIELD(module_name)              /* ... md_name, 3.x */ \
    FIELD(function_name)            /* PyFunctionObject.func_qualname; 2.7: func_name */ \
    FIELD(builtin_method)           /* PyCFunctionObject.m_ml, whose first word is the name */ \
    FIELD(weakref_object)           /* PyWeakReference.wr_object */ \
    FIELD(weakref_previous)         /* ... wr_prev */ \
    FIELD(weakref_next)             /* ... wr_next */ \
    FIELD(cell_contents)            /* PyCellObject.ob_ref */ \
    FIELD(frame_locals)             /* frame: f_localsplus or localsplus */ \
    FIELD(frame_values)             /* PyFrameObject.f_valuestack, a pointer, up to 3.10 */ \
    FIELD(frame_values_top)         /* ... f_stacktop, a pointer, up to 3.9: NULL if the frame runs or is done */ \
    FIELD(frame_executing)          /* ... f_executing, 8 bits, 3.6 to 3.9 */ \
    FIELD(frame_builtins)           /* PyFrameObject.f_builtins, up to 3.10 */ \
    FIELD(frame_object_generator)   /* PyFrameObject.f_gen, 3.6 to 3.10: borrowed */ \
    FIELD(frame_object_frame)       /* PyFrameObject.f_frame, 3.11+ */ \
    FIELD(frame_object_data)        /* PyFrameObject._f_frame_data, 3.11+: the frame, if it owns it */ \
    FIELD(generator_frame)          /* PyGenObject.gi_iframe, 3.11+; before, gi_frame, a pointer */ \
    FIELD(code_local_count)         /* PyCodeObject.co_nlocals, 32 bits */ \
    FIELD(code_local_names)         /* ... co_varnames or co_localsplusnames, a tuple */ \
    FIELD(code_cell_names)          /* ... co_cellvars, a tuple, up to 3.10 */ \
    FIELD(code_free_names)          /* ... co_freevars, a tuple, up to 3.10 */

#endif
