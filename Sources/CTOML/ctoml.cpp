#include "ctoml.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// toml++ 3.3 asserts what a document can make false ("[=" does), and with NDEBUG tells the compiler to rely on it.
// Here a failed assertion is an exception in every build, and the document is refused.
#undef NDEBUG
#define TOML_ASSERT(condition) ((condition) ? static_cast<void>(0) : throw std::logic_error(#condition))
#define TOML_EXCEPTIONS 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

struct ctoml_document {
    toml::table root;
    std::vector<ctoml_node> nodes;
    std::string problem;
    uint32_t problem_line = 0;
};

namespace {

/// Most dots in one key. toml++ frees nested tables by recursion: a key of thousands of dots would use up the stack.
constexpr int key_dots_max = 8;

/// The line of the first key with more dots than that, or 0. Dots in strings and comments are none.
uint32_t line_of_deep_key(std::string_view text)
{
    uint32_t line = 1;
    int dots = 0;
    for (size_t at = 0; at < text.size(); ++at) {
        const char byte = text[at];
        if (byte == '#') {
            at = std::min(text.find('\n', at), text.size()) - 1;
        } else if (byte == '"' || byte == '\'') {
            const std::string_view triple = byte == '"' ? "\"\"\"" : "'''";
            const bool is_long = text.substr(at, 3) == triple;
            for (at += is_long ? 3 : 1; at < text.size(); ++at) {
                if (is_long ? text.substr(at, 3) == triple : text[at] == byte) break;
                if (text[at] == '\n') {
                    ++line;
                    if (!is_long) break;
                }
                if (byte == '"' && text[at] == '\\' && text.substr(at + 1, 1) != "\n") ++at;
            }
            if (is_long) at += 2;
        } else if (byte == '.') {
            if (++dots > key_dots_max) return line;
        } else if (byte == '\n' || byte == '=' || byte == ',' || byte == '{') {
            dots = 0;
            if (byte == '\n') ++line;
        }
    }
    return 0;
}

ctoml_node described(const toml::node &value)
{
    ctoml_node node{};
    node.line = node.key_line = value.source().begin.line;
    node.column = node.key_column = value.source().begin.column;
    switch (value.type()) {
    case toml::node_type::string: {
        const std::string &text = value.as_string()->get();
        node.kind = ctoml_string;
        node.text = text.data();
        node.text_count = text.size();
        break;
    }
    case toml::node_type::integer:
        node.kind = ctoml_integer;
        node.integer = value.as_integer()->get();
        break;
    case toml::node_type::floating_point: node.kind = ctoml_float; break;
    case toml::node_type::boolean:
        node.kind = ctoml_boolean;
        node.integer = value.as_boolean()->get();
        break;
    case toml::node_type::date: {
        const toml::date date = value.as_date()->get();
        node.kind = ctoml_date;
        node.year = date.year;
        node.month = date.month;
        node.day = date.day;
        break;
    }
    case toml::node_type::array: node.kind = ctoml_array; break;
    case toml::node_type::table: node.kind = ctoml_table; break;
    default: node.kind = ctoml_time; break;
    }
    return node;
}

/// Lays the tree out level by level, so that the children of a node lie side by side.
void flatten(ctoml_document &document)
{
    std::vector<const toml::node *> values{&document.root};
    document.nodes.push_back(described(document.root));
    for (size_t parent = 0; parent < values.size(); ++parent) {
        document.nodes[parent].first_child = values.size();
        if (const toml::table *table = values[parent]->as_table()) {
            for (const auto &[key, value] : *table) {
                ctoml_node node = described(value);
                node.key = key.str().data();
                node.key_count = key.str().size();
                node.key_line = key.source().begin.line;
                node.key_column = key.source().begin.column;
                document.nodes.push_back(node);
                values.push_back(&value);
            }
        } else if (const toml::array *array = values[parent]->as_array()) {
            for (const toml::node &value : *array) {
                document.nodes.push_back(described(value));
                values.push_back(&value);
            }
        }
        document.nodes[parent].child_count = values.size() - document.nodes[parent].first_child;
    }
}

/// Whether parsing the first lines of a text makes an assertion fail.
bool fails_within(std::string_view text, size_t end)
{
    try {
        (void)toml::parse(text.substr(0, end));
    } catch (const toml::parse_error &) {
    } catch (const std::logic_error &) {
        return true;
    }
    return false;
}

/// The line at which an assertion fails, given that one does. The parser goes forward only, so halving finds it.
uint32_t line_of_failure(std::string_view text)
{
    std::vector<size_t> ends;
    for (size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) ends.push_back(at + 1);
    size_t first = 0;
    for (size_t count = ends.size(); count > 0;) {
        const size_t half = count / 2;
        if (fails_within(text, ends[first + half])) {
            count = half;
        } else {
            first += half + 1;
            count -= half + 1;
        }
    }
    return static_cast<uint32_t>(first + 1);
}

void parse(ctoml_document &document, std::string_view text)
{
    if (const uint32_t line = line_of_deep_key(text)) {
        document.problem = "a key has more parts than any that is known";
        document.problem_line = line;
        return;
    }
    try {
        document.root = toml::parse(text);
        flatten(document);
    } catch (const toml::parse_error &error) {
        document.problem = std::string(error.description());
        document.problem_line = error.source().begin.line;
    } catch (const std::logic_error &) {
        document.problem = "a name must stand here";
        document.problem_line = line_of_failure(text);
    }
}

} // namespace

ctoml_document *ctoml_parse(const char *bytes, size_t count)
try {
    auto document = std::make_unique<ctoml_document>();
    parse(*document, std::string_view(bytes, count));
    return document.release();
} catch (...) {
    return nullptr;
}

void ctoml_free(ctoml_document *document) { delete document; }

const ctoml_node *ctoml_nodes(const ctoml_document *document, size_t *count)
{
    *count = document->nodes.size();
    return document->nodes.empty() ? nullptr : document->nodes.data();
}

const char *ctoml_problem(const ctoml_document *document, uint32_t *line)
{
    if (document->problem.empty()) return nullptr;
    *line = document->problem_line;
    return document->problem.c_str();
}
