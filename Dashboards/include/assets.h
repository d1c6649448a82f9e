#ifndef ASSENT_ASSETS_H
#define ASSENT_ASSETS_H

#include <stddef.h>

/// A file that is part of the program: its bytes and how many.
typedef struct {
    const unsigned char *bytes;
    size_t count;
} assent_asset;

/// The pieces of the browser script, minified: lines of a name, a space, and an expression of JavaScript.
assent_asset assent_asset_script(void);

/// The style sheet of the privacy page.
assent_asset assent_asset_privacy_style(void);

/// A file of the demonstration site.
typedef struct {
    const char *path;
    const char *content_type;
    const unsigned char *bytes;
    size_t count;
} assent_demo_file;

/// How many files the demonstration site has.
size_t assent_asset_demo_count(void);

/// One of them, by an index below that count. The pages ask for nothing outside their own origin and work under
/// `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self';
/// base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'`.
assent_demo_file assent_asset_demo(size_t index);

#endif
