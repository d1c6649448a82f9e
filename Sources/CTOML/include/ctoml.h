#ifndef CTOML_H
#define CTOML_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a TOML value is. The kinds that no configuration of Assent uses share one name.
typedef enum {
    ctoml_string,
    ctoml_integer,
    ctoml_float,
    ctoml_boolean,
    ctoml_date,
    ctoml_time,
    ctoml_array,
    ctoml_table,
} ctoml_kind;

/// One value of a document. Lines and columns count from 1. Pointers live as long as the document.
typedef struct {
    ctoml_kind kind;
    /// Where the value begins.
    uint32_t line, column;
    /// The key that it stands under, in UTF-8 and not terminated; null for an element of an array and for the root.
    const char *key;
    size_t key_count;
    /// Where the key stands; that of the value where there is no key.
    uint32_t key_line, key_column;
    /// A string's bytes in UTF-8, not terminated; null for the other kinds.
    const char *text;
    size_t text_count;
    /// A whole number, or a truth value as 0 or 1.
    int64_t integer;
    /// A date's parts.
    int32_t year, month, day;
    /// Members or elements: that many nodes from that index on.
    size_t first_child, child_count;
} ctoml_node;

/// A parsed document, or why it could not be parsed.
typedef struct ctoml_document ctoml_document;

/// Parses a document. Null if memory ran out; no exception leaves this call. The bytes are copied where needed.
ctoml_document *ctoml_parse(const char *bytes, size_t count);

/// Frees a document and all its nodes.
void ctoml_free(ctoml_document *document);

/// All nodes; the first one is the root table. Null if the document is no TOML.
const ctoml_node *ctoml_nodes(const ctoml_document *document, size_t *count);

/// What is wrong with the document and in which line, as a terminated text; null if nothing is.
const char *ctoml_problem(const ctoml_document *document, uint32_t *line);

#ifdef __cplusplus
}
#endif

#endif
