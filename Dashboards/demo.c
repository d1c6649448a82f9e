#include "assets.h"

// The demonstration site, a file each: no generated sources, nothing to read at run time.

static const unsigned char en_home[] = {
#embed "demo/en/home.html"
};
static const unsigned char en_youth_day[] = {
#embed "demo/en/youth-day.html"
};
static const unsigned char en_clean_water[] = {
#embed "demo/en/clean-water.html"
};
static const unsigned char en_voices[] = {
#embed "demo/en/voices.html"
};
static const unsigned char en_news[] = {
#embed "demo/en/news.html"
};
static const unsigned char fr_home[] = {
#embed "demo/fr/home.html"
};
static const unsigned char fr_youth_day[] = {
#embed "demo/fr/youth-day.html"
};
static const unsigned char fr_clean_water[] = {
#embed "demo/fr/clean-water.html"
};
static const unsigned char fr_voices[] = {
#embed "demo/fr/voices.html"
};
static const unsigned char fr_news[] = {
#embed "demo/fr/news.html"
};
static const unsigned char ar_home[] = {
#embed "demo/ar/home.html"
};
static const unsigned char ar_youth_day[] = {
#embed "demo/ar/youth-day.html"
};
static const unsigned char ar_clean_water[] = {
#embed "demo/ar/clean-water.html"
};
static const unsigned char ar_voices[] = {
#embed "demo/ar/voices.html"
};
static const unsigned char ar_news[] = {
#embed "demo/ar/news.html"
};
static const unsigned char demo_css[] = {
#embed "demo/demo.css"
};
static const unsigned char demo_js[] = {
#embed "demo/demo.js"
};
static const unsigned char demo_svg[] = {
#embed "demo/demo.svg"
};
static const unsigned char waves_svg[] = {
#embed "demo/waves.svg"
};
static const unsigned char river_webm[] = {
#embed "demo/river.webm"
};
static const unsigned char wells_csv[] = {
#embed "demo/wells.csv"
};

#define FILE(path, type, file) {path, type, file, sizeof file}
#define PAGE(path, file) FILE(path, "text/html; charset=utf-8", file)

static const assent_demo_file files[] = {
    PAGE("/", en_home),
    PAGE("/en/", en_home),
    PAGE("/en/youth-day/", en_youth_day),
    PAGE("/en/clean-water/", en_clean_water),
    PAGE("/en/voices/", en_voices),
    PAGE("/en/news/", en_news),
    PAGE("/fr/", fr_home),
    PAGE("/fr/youth-day/", fr_youth_day),
    PAGE("/fr/clean-water/", fr_clean_water),
    PAGE("/fr/voices/", fr_voices),
    PAGE("/fr/news/", fr_news),
    PAGE("/ar/", ar_home),
    PAGE("/ar/youth-day/", ar_youth_day),
    PAGE("/ar/clean-water/", ar_clean_water),
    PAGE("/ar/voices/", ar_voices),
    PAGE("/ar/news/", ar_news),
    FILE("/demo.css", "text/css; charset=utf-8", demo_css),
    FILE("/demo.js", "text/javascript; charset=utf-8", demo_js),
    FILE("/demo.svg", "image/svg+xml", demo_svg),
    FILE("/waves.svg", "image/svg+xml", waves_svg),
    FILE("/river.webm", "video/webm", river_webm),
    FILE("/wells.csv", "text/csv; charset=utf-8", wells_csv),
};

size_t assent_asset_demo_count(void) { return sizeof files / sizeof files[0]; }

assent_demo_file assent_asset_demo(size_t index) { return files[index]; }
