#ifndef ASSENT_ASSETS_H
#define ASSENT_ASSETS_H

#include <stddef.h>

/// A file that is part of the program: its bytes and how many.
typedef struct {
    const unsigned char *bytes;
    size_t count;
} assent_asset;

/// The browser script, without the site's notices.
assent_asset assent_asset_script(void);

#endif
