/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Core functions that we interpose with --wrap (feature "lines"): those that read source lines as an
   object is loaded, and those that ask for a line. The core's own messages (a fatal signal, a warning of
   an invalid system call, the gdbserver) thus still have lines. docs/decisions/lines.md says why. */
#include "tool/core/pm_core_symbols.h"

#include "pub_tool_libcbase.h"
#include "pub_tool_options.h"

#include "base/pm_buffer.h"
#include "base/pm_map.h"
#include "base/pm_platform.h"
#include "tool/capture/pm_lines.h"

#if PM_CORE_LINES

/* --- Reading --- */

extern Bool pm_lines_core_defer(const DebugInfo *info) __attribute__((used));

void *__wrap_vgModuleLocal_img_from_local_file(const HChar *path)
{
    void *image = __real_vgModuleLocal_img_from_local_file(path);

    if (image != NULL)
        pm_lines_opened(image, path);
    return image;
}

void *__wrap_vgModuleLocal_img_from_di_server(const HChar *name, const HChar *server)
{
    void *image = __real_vgModuleLocal_img_from_di_server(name, server);

    if (image != NULL)
        pm_lines_opened(image, NULL);
    return image;
}

void __wrap_vgModuleLocal_img_done(void *image)
{
    pm_lines_closed(image);
    __real_vgModuleLocal_img_done(image);
}

Bool pm_lines_core_defer(const DebugInfo *info)
{
    return pm_lines_defer(info);
}

/* The parameters after the first differ between versions, so ours touches none. The nine registers and the
   return address keep the stack aligned for the call. */
__attribute__((naked)) void __wrap_vgModuleLocal_read_debuginfo_dwarf3(void)
{
    __asm__("pushq %rax\n\t"
            "pushq %rdi\n\t"
            "pushq %rsi\n\t"
            "pushq %rdx\n\t"
            "pushq %rcx\n\t"
            "pushq %r8\n\t"
            "pushq %r9\n\t"
            "pushq %r10\n\t"
            "pushq %r11\n\t"
            "call pm_lines_core_defer\n\t"
            "testb %al, %al\n\t"
            "popq %r11\n\t"
            "popq %r10\n\t"
            "popq %r9\n\t"
            "popq %r8\n\t"
            "popq %rcx\n\t"
            "popq %rdx\n\t"
            "popq %rsi\n\t"
            "popq %rdi\n\t"
            "popq %rax\n\t"
            "jz 1f\n\t"
            "ret\n"
            "1:\n\t"
            "jmp __real_vgModuleLocal_read_debuginfo_dwarf3");
}

/* --- Nothing is read while the core dies of a broken assertion --- */

bool pm_lines_core_dies __attribute__((used));

#define PM_DYING(name) \
    __attribute__((naked)) void __wrap_##name(void) \
    { \
        __asm__("movb $1, pm_lines_core_dies(%rip)\n\t" \
                "jmp __real_" #name); \
    }

PM_DYING(vgPlain_assert_fail)
PM_DYING(vgPlain_core_panic)
PM_DYING(vgPlain_core_panic_at)
PM_DYING(vgPlain_tool_panic)

/* --- Asking --- */

enum { MOST_AT_ONCE = 500 };        /* the core's limit of frames in a stack */

/* The line of an address; file is NULL if it has none. Kept, since callers keep pointers to the texts. */
struct answer {
    char *folder, *file;
    u32 line;
};

/* Answers by address, valid for the objects that were loaded at answers_epoch. */
static struct pm_map *by_address;
static struct answer *answers;
static u32 answer_count, answer_capacity;
static u32 answers_epoch;

static char *copy_text(const char *text)
{
    return pm_copy_text("pm.lines.answer", text, pm_length(text));
}

static void forget_answers(u32 epoch)
{
    static struct pm_map map;

    if (by_address == NULL) {
        by_address = &map;
        pm_map_init(by_address);
    }
    for (u32 i = 0; i < answer_count; i++) {
        pm_free(answers[i].folder);
        pm_free(answers[i].file);
    }
    answer_count = 0;
    pm_map_clear(by_address);
    answers_epoch = epoch;
}

static void add_answer(u64 ip)
{
    if (answer_count == answer_capacity) {
        answer_capacity = answer_capacity == 0 ? 64 : 2 * answer_capacity;
        answers = pm_realloc("pm.lines.answers", answers, answer_capacity * sizeof *answers);
    }
    answers[answer_count] = (struct answer){ NULL, NULL, 0 };
    pm_map_put(by_address, ip, answer_count++);
}

static void set_answer(void *context, u32 tag, const char *folder, const char *file, u32 line,
                       const struct pm_lines_outer *outer)
{
    (void)outer;
    struct answer *answer = &answers[tag];

    (void)context;
    answer->folder = copy_text(folder);
    answer->file = copy_text(file);
    answer->line = line;
}

/* Looks up all addresses that have no answer yet, at once. */
static void ask(DiEpoch epoch, const Addr *ips, u32 count)
{
    struct pm_lines_wanted *wanted;
    u32 wanted_count = 0;

    if (pm_lines_core_dies)
        return;
    if (by_address == NULL || answers_epoch != epoch.n)
        forget_answers(epoch.n);
    wanted = pm_alloc("pm.lines.wanted", count * sizeof *wanted);
    for (u32 i = 0; i < count; i++) {
        struct pm_lines_place place;
        if (pm_map_get(by_address, ips[i]) != NULL || !pm_lines_place(epoch, ips[i], &place))
            continue;
        wanted[wanted_count++] = (struct pm_lines_wanted){ place, answer_count };
        add_answer(ips[i]);
    }
    if (wanted_count > 0)
        pm_lines_find(wanted, wanted_count, set_answer, NULL);
    pm_free(wanted);
}

/* NULL if ip has no line, or if the core has read its lines. */
static const struct answer *answer_of(DiEpoch epoch, Addr ip)
{
    const u64 *found;

    ask(epoch, &ip, 1);
    if (by_address == NULL || answers_epoch != epoch.n)
        return NULL;
    found = pm_map_get(by_address, ip);
    return found != NULL && answers[*found].file != NULL ? &answers[*found] : NULL;
}

Bool __wrap_vgPlain_get_filename_linenum(DiEpoch epoch, Addr ip, const HChar **file,
                                         const HChar **folder, UInt *line)
{
    if (__real_vgPlain_get_filename_linenum(epoch, ip, file, folder, line))
        return True;
    const struct answer *answer = answer_of(epoch, ip);
    if (answer == NULL)
        return False;
    *file = answer->file;
    *line = answer->line;
    if (folder != NULL)
        *folder = answer->folder;
    return True;
}

Bool __wrap_vgPlain_get_filename(DiEpoch epoch, Addr ip, const HChar **file)
{
    if (__real_vgPlain_get_filename(epoch, ip, file))
        return True;
    const struct answer *answer = answer_of(epoch, ip);
    if (answer != NULL)
        *file = answer->file;
    return answer != NULL;
}

Bool __wrap_vgPlain_get_linenum(DiEpoch epoch, Addr ip, UInt *line)
{
    if (__real_vgPlain_get_linenum(epoch, ip, line))
        return True;
    const struct answer *answer = answer_of(epoch, ip);
    if (answer != NULL)
        *line = answer->line;
    return answer != NULL;
}

/* The folder without the prefixes that --fullpath-after= names, as the core prints it. */
static const char *shown_folder(const char *folder)
{
    const Word count = VG_(sizeXA)(vgPlain_clo_fullpath_after);

    if (count == 0)
        return "";
    for (Word i = 0; i < count; i++) {
        const HChar *prefix = *(HChar **)VG_(indexXA)(vgPlain_clo_fullpath_after, i);
        const HChar *found = VG_(strstr)(folder, prefix);
        if (found != NULL) {
            folder = found + VG_(strlen)(prefix);
            break;
        }
    }
    return folder[0] == '.' && folder[1] == '/' ? folder + 2 : folder;
}

static void cut_end(struct pm_buffer *text, const char *end)
{
    const size_t length = pm_length(end);

    if (text->length >= length && pm_text_equal(text->bytes + text->length - length, end)) {
        text->length -= length;
        text->bytes[text->length] = '\0';
    }
}

static void add_tag(struct pm_buffer *text, const char *tag, const char *contents)
{
    pm_buffer_add_text(text, "  <");
    pm_buffer_add_text(text, tag);
    pm_buffer_add_char(text, '>');
    for (; *contents != '\0'; contents++) {
        switch (*contents) {
        case '&': pm_buffer_add_text(text, "&amp;"); break;
        case '<': pm_buffer_add_text(text, "&lt;"); break;
        case '>': pm_buffer_add_text(text, "&gt;"); break;
        default: pm_buffer_add_char(text, *contents); break;
        }
    }
    pm_buffer_add_text(text, "</");
    pm_buffer_add_text(text, tag);
    pm_buffer_add_text(text, ">\n    ");
}

/* Adds the line to a text of VG_(describe_IP) (debuginfo.c), where the core would have put it. A core
   that words the text otherwise gets the line behind it. */
static void describe(struct pm_buffer *text, DiEpoch epoch, Addr ip, const struct answer *answer)
{
    const HChar *object;
    struct pm_buffer place;

    pm_buffer_init(&place);
    pm_buffer_add_u64(&place, answer->line);
    if (VG_(clo_xml)) {
        cut_end(text, "</frame>");
        if (answer->folder[0] != '\0')
            add_tag(text, "dir", answer->folder);
        add_tag(text, "file", answer->file);
        add_tag(text, "line", place.bytes);
        pm_buffer_add_text(text, "</frame>");
    } else {
        const char *folder = shown_folder(answer->folder);
        pm_buffer_clear(&place);
        pm_buffer_add_text(&place, " (in ");
        pm_buffer_add_text(&place, VG_(get_objname)(epoch, ip, &object) ? object : "???");
        pm_buffer_add_char(&place, ')');
        cut_end(text, place.bytes);
        pm_buffer_add_text(text, " (");
        if (folder[0] != '\0') {
            pm_buffer_add_text(text, folder);
            pm_buffer_add_char(text, '/');
        }
        pm_buffer_add_text(text, answer->file);
        pm_buffer_add_char(text, ':');
        pm_buffer_add_u64(text, answer->line);
        pm_buffer_add_char(text, ')');
    }
    pm_buffer_release(&place);
}

const HChar *__wrap_vgPlain_describe_IP(DiEpoch epoch, Addr ip, const InlIPCursor *cursor)
{
    static struct pm_buffer text;
    const HChar *told = __real_vgPlain_describe_IP(epoch, ip, cursor);
    const HChar *file, *folder;
    UInt line;

    if (pm_lines_core_dies
            || __real_vgPlain_get_filename_linenum(epoch, ip, &file, &folder, &line))
        return told;
    const struct answer *answer = answer_of(epoch, ip);
    if (answer == NULL)
        return told;
    if (text.bytes == NULL)
        pm_buffer_init(&text);
    pm_buffer_clear(&text);
    pm_buffer_add_text(&text, told);
    describe(&text, epoch, ip, answer);
    return text.bytes;
}

/* The core describes the addresses one by one. Looking them up together reads each file once. */
void __wrap_vgPlain_pp_StackTrace(DiEpoch epoch, StackTrace ips, UInt count)
{
    ask(epoch, ips, count);
    __real_vgPlain_pp_StackTrace(epoch, ips, count);
}

void __wrap_vgPlain_get_and_pp_StackTrace(ThreadId tid, UInt most)
{
    Addr ips[MOST_AT_ONCE];

    if (!pm_lines_core_dies)
        ask(VG_(current_DiEpoch)(), ips,
            VG_(get_StackTrace)(tid, ips, most < MOST_AT_ONCE ? most : MOST_AT_ONCE, NULL, NULL, 0));
    __real_vgPlain_get_and_pp_StackTrace(tid, most);
}

#endif
