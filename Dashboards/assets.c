#include "assets.h"

// The compiler reads the files itself (#embed of C23): no generated sources, nothing to read at run time.

static const unsigned char script[] = {
#embed "script/served.txt"
};

assent_asset assent_asset_script(void) { return (assent_asset){script, sizeof script}; }

static const unsigned char privacy_style[] = {
#embed "privacy/privacy.css"
};

assent_asset assent_asset_privacy_style(void) { return (assent_asset){privacy_style, sizeof privacy_style}; }
