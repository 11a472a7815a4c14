/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pub_tool_basics.h"
#include "pub_tool_libcbase.h"
#include "pub_tool_libcfile.h"
#include "pub_tool_vki.h"

#include "tool/pm_executable.h"

enum {
    MAX_SCRIPTS = 4,            /* interpreters that are scripts themselves (fs/exec.c) */
    HEAD_BYTES = 256,           /* of a script, as the kernel reads them (BINPRM_BUF_SIZE) */
    MAX_PROGRAM_HEADERS = 64,
};

/* Elf64_Ehdr and Elf64_Phdr (elf.h), what is used of them. */
enum { CLASS_AT = 4, CLASS_64 = 2, TYPE_AT = 16, TYPE_EXECUTABLE = 2, TYPE_SHARED = 3, PROGRAM_HEADERS_AT = 32, HEADER_COUNT_AT = 56, PROGRAM_HEADER_BYTES = 56, INTERPRETER_TYPE = 3 };

static bool read_at(Int fd, Off64T offset, void *to, Int bytes)
{
    return VG_(lseek)(fd, offset, VKI_SEEK_SET) == offset && VG_(read)(fd, to, bytes) == bytes;
}

static bool is_end_of_word(HChar c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\0';
}

/* The word behind "#!". */
static bool script_interpreter(const HChar *head, HChar interpreter[HEAD_BYTES])
{
    const HChar *from = head + 2;
    SizeT length = 0;

    while (*from == ' ' || *from == '\t')
        from++;
    while (!is_end_of_word(from[length]))
        length++;
    VG_(memcpy)(interpreter, from, length);
    interpreter[length] = '\0';
    return length > 0;
}

/* The dynamic loader that a 64-bit ELF file names. False if it names none. */
static bool elf_interpreter(Int fd, const HChar *head, HChar interpreter[HEAD_BYTES])
{
    ULong headers, offset, bytes;
    UShort count;
    UInt type;

    VG_(memcpy)(&headers, head + PROGRAM_HEADERS_AT, sizeof headers);
    VG_(memcpy)(&count, head + HEADER_COUNT_AT, sizeof count);
    for (UInt i = 0; i < count && i < MAX_PROGRAM_HEADERS; i++) {
        HChar header[PROGRAM_HEADER_BYTES];
        if (!read_at(fd, (Off64T)(headers + i * sizeof header), header, sizeof header))
            return false;
        VG_(memcpy)(&type, header, sizeof type);
        VG_(memcpy)(&offset, header + 8, sizeof offset);
        VG_(memcpy)(&bytes, header + 32, sizeof bytes);
        if (type == INTERPRETER_TYPE)
            return bytes > 1 && bytes < HEAD_BYTES && read_at(fd, (Off64T)offset, interpreter, (Int)bytes)
                && (interpreter[bytes - 1] = '\0', true);
    }
    return false;
}

/* What the file needs to run: nothing, an interpreter, or it cannot run. */
enum need { NEEDS_NOTHING, NEEDS_INTERPRETER, CANNOT_RUN };

/* Files of other machines may run by the kernel's binfmt_misc. */
static enum need need_of(Int fd, HChar interpreter[HEAD_BYTES])
{
    static const HChar elf[] = "\177ELF";
    HChar head[HEAD_BYTES + 1] = { 0 };
    const Int length = VG_(read)(fd, head, HEAD_BYTES);

    if (length >= 2 && head[0] == '#' && head[1] == '!')
        return script_interpreter(head, interpreter) ? NEEDS_INTERPRETER : CANNOT_RUN;
    if (length < PROGRAM_HEADERS_AT || VG_(memcmp)(head, elf, sizeof elf - 1) != 0
            || (head[TYPE_AT] != TYPE_EXECUTABLE && head[TYPE_AT] != TYPE_SHARED))
        return CANNOT_RUN;
    return head[CLASS_AT] == CLASS_64 && elf_interpreter(fd, head, interpreter) ? NEEDS_INTERPRETER : NEEDS_NOTHING;
}

static int error_of_file(const char *path)
{
    struct vg_stat status;
    const SysRes found = VG_(stat)(path, &status);

    if (sr_isError(found))
        return (int)sr_Err(found);
    return VKI_S_ISREG(status.mode) && (status.mode & (VKI_S_IXUSR | VKI_S_IXGRP | VKI_S_IXOTH)) != 0
        ? 0 : VKI_EACCES;
}

int pm_executable_error(const char *path)
{
    HChar interpreter[HEAD_BYTES];

    for (UInt scripts = 0; scripts <= MAX_SCRIPTS + 1; scripts++) {
        const int error = error_of_file(path);
        if (error != 0)
            return error;
        const SysRes opened = VG_(open)(path, VKI_O_RDONLY, 0);
        /* The kernel runs what may be executed though it may not be read. */
        if (sr_isError(opened))
            return 0;
        const enum need need = need_of((Int)sr_Res(opened), interpreter);
        VG_(close)((Int)sr_Res(opened));
        if (need != NEEDS_INTERPRETER)
            return need == NEEDS_NOTHING ? 0 : VKI_ENOEXEC;
        path = interpreter;
    }
    return VKI_ELOOP;
}
