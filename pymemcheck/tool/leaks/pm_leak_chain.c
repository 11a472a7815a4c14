/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool/leaks/pm_leak_chain.h"

#include "tool/leaks/pm_leak_expression.h"
#include "tool/leaks/pm_leak_places.h"
#include "tool/pm_run.h"

enum { MAX_CHAIN = 24, MAX_PARTS = 4 };

struct chain {
    struct pm_leak_state *check;
    struct pm_losses *losses;
    u32 record;
    struct pm_object owner;         /* the last object on the chain, if has_owner */
    bool has_owner;
    struct pm_buffer line;          /* the line being made */
    struct pm_leak_expression expression;
    struct pm_buffer field;         /* scratch */
};

/* Whether part is memory that belongs to the object: its items, keys, attributes. */
static bool is_part(struct pm_leak_state *check, const struct pm_object *object, u64 part)
{
    u64 parts[MAX_PARTS];
    u32 count = pm_objects_parts(&check->objects, object, parts, MAX_PARTS);
    u32 wanted = pm_leaks_block_at(&check->leaks, part);

    for (u32 i = 0; i < count; i++)
        if (parts[i] == part || pm_leaks_block_at(&check->leaks, parts[i]) == wanted)
            return true;
    return false;
}

/* Makes the line, if there is one, part of the record. */
static void end_line(struct chain *chain)
{
    if (chain->line.length > 0)
        pm_losses_add_chain(chain->losses, chain->record,
                            pm_strings_take(&chain->check->run->strings, &chain->line));
}

/* The number of the line being made. */
static u32 line_number(const struct chain *chain)
{
    return chain->losses->records[chain->record].chain_length;
}

/* How the last object refers to the pointer at slot. Valid until the next call. */
static const char *name_field(struct chain *chain, u64 slot)
{
    pm_buffer_clear(&chain->field);
    pm_objects_name_field(&chain->check->objects, &chain->owner, slot, &chain->field);
    return chain->field.bytes;
}

/* Adds a block of the chain, and how it refers to the next one, whose pointer is at slot. Memory
   that belongs to an object is named on the object's line. */
static void add_link(struct chain *chain, u32 index, u64 slot)
{
    struct pm_leak_state *check = chain->check;
    const struct pm_leak_block *block = &check->found[index];
    struct pm_object object;

    if (pm_leak_identify(check, index, &object)) {
        end_line(chain);
        chain->owner = object;
        chain->has_owner = true;
        pm_leak_places_add_object(check, &object, &chain->line);
        pm_buffer_add_text(&chain->line, name_field(chain, slot));
        pm_leak_expression_add_object(&chain->expression, &object, chain->field.bytes, line_number(chain));
    } else if (chain->has_owner && is_part(check, &chain->owner, block->address)) {
        if (chain->line.length > 0)
            pm_buffer_add_char(&chain->line, ' ');
        pm_buffer_add_text(&chain->line, name_field(chain, slot));
        pm_leak_expression_add_part(&chain->expression, chain->field.bytes, line_number(chain));
    } else {
        end_line(chain);
        pm_buffer_add_text(&chain->line, "a block of ");
        pm_buffer_add_u64(&chain->line, block->bytes);
        pm_buffer_add_text(&chain->line, " bytes");
        pm_leak_expression_add_block(&chain->expression, line_number(chain));
        chain->has_owner = false;
    }
}

/* Makes the expression part of the record. */
static void end_expression(struct chain *chain)
{
    struct pm_loss *record = &chain->losses->records[chain->record];

    record->expression_lines = pm_leak_expression_finish(&chain->expression, record->chain_length);
    if (record->expression_lines > 0)
        record->expression = pm_strings_take(&chain->check->run->strings, &chain->expression.text);
}

void pm_leak_chain_add(struct pm_leak_state *check, u32 index, struct pm_losses *losses, u32 record)
{
    struct chain chain = { .check = check, .losses = losses, .record = record };
    const struct pm_leak_block *blocks = check->found;
    u32 links[MAX_CHAIN], length = 0;

    for (u32 i = index; length < MAX_CHAIN; i = pm_leak_from_block(&blocks[i])) {
        links[length++] = i;
        if (pm_leak_from_block(&blocks[i]) == PM_LEAK_NONE)
            break;
    }
    const struct pm_leak_block *outermost = &blocks[links[length - 1]];
    pm_buffer_init(&chain.line);
    pm_buffer_init(&chain.field);
    pm_leak_expression_init(&chain.expression, check);
    if (pm_leak_from_block(outermost) != PM_LEAK_NONE)
        pm_buffer_add_text(&chain.line, "...");
    else if (pm_leak_from_root(outermost) != PM_LEAK_NONE)
        pm_leak_places_add_root(check, pm_leak_from_root(outermost), pm_leak_from_address(&check->leaks, outermost),
                                &chain.line);
    /* The first line is that of the root, also where there is nothing to say. */
    pm_losses_add_chain(losses, record, pm_strings_take(&check->run->strings, &chain.line));
    for (u32 i = length; i-- > 1;)
        add_link(&chain, links[i], pm_leak_from_address(&check->leaks, &blocks[links[i - 1]]));
    end_line(&chain);
    end_expression(&chain);
    pm_leak_expression_release(&chain.expression);
    pm_buffer_release(&chain.field);
    pm_buffer_release(&chain.line);
}
