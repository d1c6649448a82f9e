#include "assets.h"

// The compiler reads the files itself (#embed of C23): no generated sources, nothing to read at run time.

// The four files share one closure, so that nothing of them becomes a global of the page.
static const unsigned char script[] = {
    '(', '(', ')', '=', '>', '{', '\n',
#embed "script/assent.js" suffix(, )
#embed "script/banner.js" suffix(, )
#embed "script/measure.js" suffix(, )
#embed "script/start.js" suffix(, )
    '}', ')', '(', ')', ';', '\n',
};

assent_asset assent_asset_script(void) { return (assent_asset){script, sizeof script}; }

static const unsigned char privacy_style[] = {
#embed "privacy/privacy.css"
};

assent_asset assent_asset_privacy_style(void) { return (assent_asset){privacy_style, sizeof privacy_style}; }
