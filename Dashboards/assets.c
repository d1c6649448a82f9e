#include "assets.h"

// The compiler reads the files itself (#embed of C23): no generated sources, nothing to read at run time.

static const unsigned char script[] = {
#embed "script/assent.js"
};

assent_asset assent_asset_script(void) { return (assent_asset){script, sizeof script}; }
