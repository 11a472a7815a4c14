/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suppressions: what is read, what is refused and why, what matches (compared with a matcher
   that tries every way), and that suggested entries match. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/pm_platform.h"
#include "heap/pm_loss_kinds.h"
#include "heap/pm_suggestions.h"
#include "pm_fixture.h"
#include "pm_random.h"

static struct pm_tables tables_of(const struct pm_fixture *fixture)
{
    return (struct pm_tables){ &fixture->strings, &fixture->frames, &fixture->stacks };
}

static struct pm_suppression parsed(enum pm_suppression_kind kind, const char *text)
{
    struct pm_suppression suppression;
    struct pm_buffer problem;
    u32 line;

    pm_buffer_init(&problem);
    if (!pm_suppression_parse(&suppression, kind, text, strlen(text), &line, &problem))
        fail_msg("line %u: %s", line, problem.bytes);
    pm_buffer_release(&problem);
    return suppression;
}

static void refused(enum pm_suppression_kind kind, const char *text, u32 line, const char *why)
{
    struct pm_suppression suppression;
    struct pm_buffer problem;
    u32 found = 0;

    pm_buffer_init(&problem);
    assert_false(pm_suppression_parse(&suppression, kind, text, strlen(text), &found, &problem));
    if (strstr(problem.bytes, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", problem.bytes, why);
    assert_int_equal(found, line);
    pm_buffer_release(&problem);
}

static void test_parse(void **state)
{
    (void)state;
    struct pm_suppression s = parsed(PM_SUPPRESS_LEAK,
                                     "  match-leak-kinds: definite,surplus\n"
                                     "# a remark\n"
                                     "\n"
                                     "\tpytype:pkg.Config\r\n"
                                     "   pytype:list\n"
                                     "   fun:operator new(unsigned long)\n"
                                     "   ...\n"
                                     "   pyfun:json.decoder.*\n"
                                     "   pyfile:*/json/*.py\n"
                                     "   src:a.c:12\n"
                                     "   obj:/lib/x.so\n"
                                     "\n"
                                     "}\n"
                                     "{\n rubbish\n");
    assert_int_equal(s.loss_kinds, PM_LOSS_KIND(PM_LOSS_DEFINITE) | PM_LOSS_KIND(PM_LOSS_SURPLUS));
    assert_int_equal(s.type_count, 2);
    assert_int_equal(s.types[0].length, strlen("pkg.Config"));
    assert_int_equal(s.frame_count, 6);
    assert_int_equal(s.frames[0].field, PM_SUPPRESS_FUN);
    assert_int_equal(s.frames[0].length, strlen("operator new(unsigned long)"));
    assert_int_equal(s.frames[1].field, PM_SUPPRESS_ANY_FRAMES);
    assert_int_equal(s.frames[4].field, PM_SUPPRESS_SRC);
    assert_int_equal(s.frames[4].line, 12);
    assert_int_equal(s.frames[4].length, strlen("a.c"));
    assert_int_equal(s.lines, 11);
    pm_suppression_release(&s);

    s = parsed(PM_SUPPRESS_FREE, "fun:free\n}");
    assert_int_equal(s.frame_count, 1);
    assert_int_equal(s.lines, 1);
    pm_suppression_release(&s);
    s = parsed(PM_SUPPRESS_LEAK, "pytype:x\n}\n");
    assert_int_equal(s.loss_kinds, PM_LOSS_KINDS_ALL);
    pm_suppression_release(&s);
}

static void test_refused(void **state)
{
    (void)state;
    refused(PM_SUPPRESS_LEAK, "fun:a\nfunc:b\n}\n", 2, "not \"func:b\"");
    refused(PM_SUPPRESS_LEAK, "fun:a\nfunc:b\n}\n", 2, "pyfun:");
    refused(PM_SUPPRESS_LEAK, "fun:a\n", 2, "before the end of the file");
    refused(PM_SUPPRESS_LEAK, "", 1, "before the end of the file");
    refused(PM_SUPPRESS_LEAK, "}\n", 1, "not \"...\"");
    refused(PM_SUPPRESS_LEAK, "...\n\n...\n}\n", 4, "not \"...\"");
    refused(PM_SUPPRESS_LEAK, "match-leak-kinds: definite,lost\nfun:a\n}", 1, "'interpreter'");
    refused(PM_SUPPRESS_LEAK, "match-leak-kinds:\nfun:a\n}", 1, "'interpreter'");
    refused(PM_SUPPRESS_LEAK, "fun:a\nmatch-leak-kinds: all\n}", 2, "before all other lines");
    refused(PM_SUPPRESS_LEAK, "fun:a\npytype:x\n}", 2, "before the first frame");
    refused(PM_SUPPRESS_LEAK, "fun:\n}", 1, "a pattern after the colon");
    refused(PM_SUPPRESS_LEAK, "src:a.c:1x\n}", 1, "a line number");
    refused(PM_SUPPRESS_LEAK, "src:a.c:99999999999\n}", 1, "a line number");
    refused(PM_SUPPRESS_FREE, "pytype:x\n}", 1, "kind Free");
    refused(PM_SUPPRESS_FREE, "match-leak-kinds: all\nfun:a\n}", 1, "kind Free");
}

static void test_kinds(void **state)
{
    u32 kinds = 77;

    (void)state;
    for (u32 kind = 0; kind < PM_LOSS_KINDS; kind++) {
        const char *word = pm_loss_kind_word(kind);
        assert_true(pm_loss_kinds_parse(word, strlen(word), &kinds));
        assert_int_equal(kinds, PM_LOSS_KIND(kind));
        assert_non_null(strstr(PM_LOSS_KINDS_EXPECTED, word));
    }
    assert_true(pm_loss_kinds_parse("none", 4, &kinds));
    assert_int_equal(kinds, 0);
    assert_true(pm_loss_kinds_parse("all", 3, &kinds));
    assert_int_equal(kinds, PM_LOSS_KINDS_ALL);
    kinds = 77;
    assert_false(pm_loss_kinds_parse("", 0, &kinds));
    assert_false(pm_loss_kinds_parse("definite,", 9, &kinds));
    assert_false(pm_loss_kinds_parse("Definite", 8, &kinds));
    assert_int_equal(kinds, 77);
}

static bool matches(const struct pm_fixture *fixture, const char *entry,
                    const struct pm_suppression_subject *subject)
{
    const struct pm_tables tables = tables_of(fixture);
    struct pm_suppression suppression = parsed(subject->kind, entry);
    bool result = pm_suppression_matches(&suppression, &tables, subject);

    pm_suppression_release(&suppression);
    return result;
}

static void test_matches(void **state)
{
    struct pm_fixture fixture;

    (void)state;
    pm_fixture_init(&fixture);
    const struct pm_loss_type types[] = {
        { pm_strings_intern_text(&fixture.strings, "pkg.Config"), 3 },
        { pm_strings_intern_text(&fixture.strings, ""), 2 },
        { pm_strings_intern_text(&fixture.strings, "list"), 1 },
    };
    struct pm_suppression_subject subject = {
        .kind = PM_SUPPRESS_LEAK,
        .loss = PM_LOSS_SURPLUS,
        .stack = pm_fixture_stack(
            &fixture, pm_fixture_native(&fixture, "/lib/libc.so.6", "malloc", 0, 0),
            pm_fixture_native(&fixture, "/opt/pkg/_ext.so", "", 0x1234, 0),
            pm_fixture_native(&fixture, "/usr/bin/python3", "_PyEval_EvalFrameDefault", 7, 0),
            pm_fixture_python(&fixture, "/usr/lib/python3/dist-packages/pkg/__init__.py",
                              "Config.load", 12),
            pm_fixture_note(&fixture, "3 frames were left out"),
            pm_fixture_python(&fixture, "<string>", "<module>", 1)),
        .types = types,
        .type_count = 3,
    };
    static const char *const yes[] = {
        "fun:malloc\n}",
        "fun:mal*\nobj:*\n}",
        "fun:malloc\nobj:*/_ext.so\nfun:_PyEval_*\npyfun:pkg.Config.load\npyfun:<string>.<module>\n}",
        "fun:malloc\nfun:???\n}",
        "...\npyfun:pkg.Config.load\n}",
        "...\npyfun:Config.load\n}",
        "...\npyfun:load\n}",
        "...\npyfun:usr.lib.python3.dist-packages.pkg.Config.load\n}",
        "...\npyfile:*/pkg/__init__.py\n}",
        "...\npyfile:pkg/__init__.py\n}",
        "...\nobj:*python3\n...\npyfun:<module>\n...\n}",
        "match-leak-kinds: possible,surplus\nfun:malloc\n}",
        "pytype:Config\npytype:list\n...\n}",
        "pytype:*\nfun:malloc\n}",
        "pytype:pkg.*\npytype:l?st\n}",
    };
    static const char *const no[] = {
        "fun:free\n}",
        "obj:_ext.so\n}",
        "fun:_PyEval_EvalFrameDefault\n}",
        "fun:malloc\nobj:_ext.so\n}",           /* obj: is compared with the whole path, as in the core */
        "...\npyfun:kg.Config.load\n}",
        "...\npyfun:Config\n}",
        "...\nfun:Config.load\n}",
        "...\npyfun:malloc\n}",
        "...\nsrc:*\n}",
        "...\npyfun:<module>\npyfun:*\n}",      /* beyond the end */
        "match-leak-kinds: definite\nfun:malloc\n}",
        "match-leak-kinds: none\nfun:malloc\n}",
        "pytype:Config\n...\n}",                /* the record also has lists */
        "pytype:onfig\npytype:list\n}",
    };
    for (size_t i = 0; i < PM_ARRAY_LENGTH(yes); i++)
        if (!matches(&fixture, yes[i], &subject))
            fail_msg("does not match: %s", yes[i]);
    for (size_t i = 0; i < PM_ARRAY_LENGTH(no); i++)
        if (matches(&fixture, no[i], &subject))
            fail_msg("matches: %s", no[i]);
    subject.types = &types[1];
    subject.type_count = 1;
    assert_false(matches(&fixture, "pytype:*\nfun:malloc\n}", &subject));
    const struct pm_tables tables = tables_of(&fixture);
    struct pm_suppression other = parsed(PM_SUPPRESS_FREE, "fun:malloc\n}");
    assert_false(pm_suppression_matches(&other, &tables, &subject));
    pm_suppression_release(&other);
    pm_fixture_release(&fixture);
}

/* Stacks of up to MOST frames with names of one letter; upper case means Python. */
enum { ROUNDS = 20000, MOST = 8 };

static bool naive(const char *lines, const char *frames)
{
    if (*lines == '\0')
        return true;
    if (*lines == '.')
        return naive(lines + 1, frames) || (*frames != '\0' && naive(lines, frames + 1));
    if (*frames == '\0')
        return false;
    bool python = *frames >= 'A' && *frames <= 'Z';
    bool fits = *lines == '*' ? !python : *lines == '#' ? python : *lines == *frames;
    return fits && naive(lines + 1, frames + 1);
}

static void random_word(struct pm_random *random, char *word, const char *letters)
{
    size_t length = 1 + pm_random_below(random, MOST);
    for (size_t i = 0; i < length; i++)
        word[i] = letters[pm_random_below(random, strlen(letters))];
    word[length] = '\0';
}

static void test_random(void **state)
{
    struct pm_random random = pm_random_start();
    struct pm_fixture fixture;
    unsigned matched = 0;

    (void)state;
    pm_fixture_init(&fixture);
    for (unsigned round = 0; round < ROUNDS; round++) {
        char lines[MOST + 1], stack[MOST + 1], entry[16 * MOST] = "";
        struct pm_frame_id frames[2 * MOST];
        size_t count = 0;
        random_word(&random, lines, "ab.AB*#.");
        random_word(&random, stack, "abAB");
        if (strspn(lines, ".") == strlen(lines))
            continue;
        for (const char *p = stack; *p != '\0'; p++) {
            const char name[] = { *p, '\0' };
            if (pm_random_below(&random, 4) == 0)
                frames[count++] = pm_fixture_note(&fixture, "nothing");
            frames[count++] = *p >= 'a' ? pm_fixture_native(&fixture, "/o", name, 1, 0)
                                        : pm_fixture_python(&fixture, "/f.py", name, 1);
        }
        for (const char *p = lines; *p != '\0'; p++) {
            char line[16];
            snprintf(line, sizeof line, *p == '.' ? "...\n" : *p == '*' ? "obj:/o\n"
                     : *p == '#' ? "pyfile:f.py\n" : *p >= 'a' ? "fun:%c\n" : "pyfun:f.%c\n", *p);
            strcat(entry, line);
        }
        strcat(entry, "}\n");
        const struct pm_suppression_subject subject = {
            .kind = PM_SUPPRESS_FREE,
            .stack = pm_stacks_intern(&fixture.stacks, frames, count),
        };
        bool expected = naive(lines, stack);
        matched += expected;
        if (matches(&fixture, entry, &subject) != expected)
            fail_msg("%s on %s", lines, stack);
    }
    assert_in_range(matched, ROUNDS / 50, ROUNDS / 2);
    pm_fixture_release(&fixture);
}

static void suggested(struct pm_buffer *out, const struct pm_fixture *fixture,
                      const struct pm_suppression_subject *subject)
{
    const struct pm_tables tables = tables_of(fixture);
    pm_buffer_clear(out);
    pm_suggestion_add(out, &tables, subject);
}

static void test_suggest(void **state)
{
    struct pm_fixture fixture;
    struct pm_buffer out;

    (void)state;
    pm_fixture_init(&fixture);
    pm_buffer_init(&out);
    const struct pm_loss_type types[] = {
        { pm_strings_intern_text(&fixture.strings, "pkg.Config"), 3 },
        { pm_strings_intern_text(&fixture.strings, ""), 2 },
    };
    struct pm_suppression_subject subject = {
        .kind = PM_SUPPRESS_LEAK,
        .loss = PM_LOSS_CYCLE,
        .stack = pm_fixture_stack(
            &fixture, pm_fixture_native(&fixture, "/lib/libc.so.6", "malloc", 0, 0),
            pm_fixture_native(&fixture, "/opt/pkg/_ext.so", "", 0x1234, 0),
            pm_fixture_native(&fixture, "", "", 0x99, 0),
            pm_fixture_python(&fixture, "/usr/lib/python3/dist-packages/pkg/sub/__init__.py", "f", 1),
            pm_fixture_python(&fixture, "/usr/lib/python3.11/json/decoder.py", "C.g", 1),
            pm_fixture_note(&fixture, "3 frames were left out"),
            pm_fixture_python(&fixture, "/home/me/my/__init__.py", "h", 1),
            pm_fixture_python(&fixture, "/home/me/script", "i", 1),
            pm_fixture_python(&fixture, "script.py", "j", 1),
            pm_fixture_python(&fixture, "<frozen importlib._bootstrap>", "k", 1),
            pm_fixture_python(&fixture, "", "", 0),
            pm_fixture_python(&fixture, "<stdin>", "<module>", 1)),
        .types = types,
        .type_count = 2,
    };
    suggested(&out, &fixture, &subject);
    assert_string_equal(out.bytes,
                        "{\n"
                        "   <insert_a_suppression_name_here>\n"
                        "   pymemcheck:Leak\n"
                        "   match-leak-kinds: cycle\n"
                        "   pytype:pkg.Config\n"
                        "   fun:malloc\n"
                        "   obj:/opt/pkg/_ext.so\n"
                        "   obj:*\n"
                        "   pyfun:pkg.sub.f\n"
                        "   pyfun:json.decoder.C.g\n"
                        "   pyfun:my.h\n"
                        "   pyfun:script.i\n"
                        "   pyfun:script.j\n"
                        "   pyfun:importlib._bootstrap.k\n"
                        "   pyfun:???.???\n"
                        "   pyfun:<stdin>.<module>\n"
                        "}\n");
    subject.kind = PM_SUPPRESS_FREE;
    suggested(&out, &fixture, &subject);
    assert_non_null(strstr(out.bytes, "   pymemcheck:Free\n   fun:malloc\n"));
    pm_buffer_release(&out);
    pm_fixture_release(&fixture);
}

/* Whatever bytes names hold, a suggested entry can be read and matches. */
static void test_suggested_matches(void **state)
{
    struct pm_random random = pm_random_start();
    struct pm_fixture fixture;
    struct pm_buffer out;

    (void)state;
    pm_fixture_init(&fixture);
    pm_buffer_init(&out);
    for (unsigned round = 0; round < 5000; round++) {
        struct pm_frame_id frames[MOST];
        size_t count = 1 + pm_random_below(&random, MOST);
        for (size_t i = 0; i < count; i++) {
            char names[2][MOST + 1];
            struct pm_string_id ids[2];
            for (size_t j = 0; j < 2; j++) {
                random_word(&random, names[j], "ab/. <>\n\t*?:}#\x01\xff_y.p");
                size_t length = pm_random_below(&random, strlen(names[j]) + 1);
                ids[j] = pm_strings_intern(&fixture.strings, names[j], length);
            }
            bool python = pm_random_below(&random, 2) == 0;
            const struct pm_frame frame = {
                .kind = python ? PM_FRAME_PYTHON : PM_FRAME_NATIVE,
                .function = ids[0],
                .file = python ? ids[1] : (struct pm_string_id){ 0 },
                .object = python ? (struct pm_string_id){ 0 } : ids[1],
            };
            frames[i] = pm_frames_intern(&fixture.frames, &frame);
        }
        const struct pm_suppression_subject subject = {
            .kind = PM_SUPPRESS_FREE,
            .stack = pm_stacks_intern(&fixture.stacks, frames, count),
        };
        suggested(&out, &fixture, &subject);
        const char *lines = strstr(out.bytes, "Free\n");
        assert_non_null(lines);
        if (!matches(&fixture, lines + 5, &subject))
            fail_msg("does not match: %s", out.bytes);
    }
    pm_buffer_release(&out);
    pm_fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_matches),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_suggest),
        cmocka_unit_test(test_suggested_matches),
    };
    return pm_random_verdict(cmocka_run_group_tests(tests, NULL, NULL));
}
