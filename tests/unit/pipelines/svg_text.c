/* What is an SVG drawing, and what it refers to. */
#include "pipeline_support.h"

#include "svg_text.h"

/* Exactly as long as the text, so that reading beyond it is detected. */
static char *exact(const char *text, struct slice *out)
{
    size_t size = strlen(text);
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    *out = (struct slice){copy, size};
    return copy;
}

static void a_drawing_is_recognised_by_its_first_element(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is;
    } cases[] = {
        {"<svg/>", true},
        {"\xef\xbb\xbf \n<svg xmlns='http://www.w3.org/2000/svg'>", true},
        {"<?xml version=\"1.0\"?>\n<!-- <html> --><svg width='1'>", true},
        {"<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/svg11.dtd\"><svg>",
         true},
        {"<!DOCTYPE svg [<!ENTITY a \"b\"> <!ENTITY c '>'>]> <svg>", true},
        {"<s:svg xmlns:s='http://www.w3.org/2000/svg'/>", true},
        {"<svgx/>", false},
        {"<html><svg/></html>", false},
        {"<!-- <svg/> -->", false},
        {"<!-- <svg/>", false},
        {"svg", false},
        {"<", false},
        {"", false},
        {"<!DOCTYPE svg [", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice slice;
        char *copy = exact(cases[i].text, &slice);
        if (svg_is(slice) != cases[i].is)
            fail_msg("%s", cases[i].text);
        free(copy);
    }
}

static void what_precedes_it_is_limited(void **state)
{
    (void)state;
    char *text = malloc(2 * SVG_PROLOGUE_MAX);
    assert_non_null(text);
    memset(text, ' ', (size_t)2 * SVG_PROLOGUE_MAX);
    memcpy(text + SVG_PROLOGUE_MAX - 10, "<svg/>", 6);
    assert_true(svg_is((struct slice){text, (size_t)2 * SVG_PROLOGUE_MAX}));
    memcpy(text + SVG_PROLOGUE_MAX - 10, "      ", 6);
    memcpy(text + SVG_PROLOGUE_MAX + 10, "<svg/>", 6);
    assert_false(svg_is((struct slice){text, (size_t)2 * SVG_PROLOGUE_MAX}));
    free(text);
}

static void references_to_the_outside_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *text, *found;
    } cases[] = {
        {"<svg><image href='file:///etc/passwd'/></svg>", "image"},
        {"<svg><image x='1' xlink:href = \"http://127.0.0.1/a.png\"/></svg>", "image"},
        {"<svg><s:image href='a.png'/></svg>", "image"},
        {"<svg><image href='&#102;ile:///etc/passwd'/></svg>", "image"},
        {"<svg><use href='other.svg#a'/></svg>", "use"},
        {"<svg><filter><feImage href='//host/a'/></filter></svg>", "feImage"},
        {"<svg><xi:include href='a' parse='text'/></svg>", "include"},
        {"<!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><svg>&a;</svg>", "ENTITY"},
        {"<!DOCTYPE svg [<!ENTITY % a PUBLIC 'x' 'http://127.0.0.1/'>%a;]><svg/>", "ENTITY"},
        {"<!DOCTYPE svg [<!ENTITY a \"<image href='/a'/>\">]><svg>&a;</svg>", "image"},
        {"<svg><image href='data:image/png;base64,AAAA'/></svg>", ""},
        {"<svg><use xlink:href=' #a'/><linearGradient href='#b'/></svg>", ""},
        {"<svg><a href='https://example.com/'><rect/></a></svg>", ""},
        {"<svg><!-- <image href='a.png'/> --></svg>", ""},
        {"<!DOCTYPE svg PUBLIC 'x' 'http://www.w3.org/svg11.dtd' [<!ENTITY ns 'http://a/'>]><svg/>",
         ""},
        {"<svg><image href", ""},
        {"<svg><image href='", ""},
        {"<svg><image /", ""},
        {"<", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice slice;
        char *copy = exact(cases[i].text, &slice);
        struct slice found = svg_outside(slice);
        if (found.size != strlen(cases[i].found) ||
            memcmp(found.data, cases[i].found, found.size) != 0)
            fail_msg("%s: \"%.*s\"", cases[i].text, (int)found.size, found.data);
        free(copy);
    }
}

static void its_size_may_be_in_physical_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool physical, texts;
    } cases[] = {
        {"<svg width='10mm' height='5mm'/>", true, false},
        {"<?xml?><svg viewBox='0 0 1 1' height=\"2in \"><text>a</text></svg>", true, true},
        {"<svg width='10' height='5'><rect width='2mm'/></svg>", false, false},
        {"<svg width='10px'><textPath/></svg>", false, false},
        {"<svg width='100%'><s:text>a</s:text></svg>", false, true},
        {"<svg", false, false},
        {"", false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice slice;
        char *copy = exact(cases[i].text, &slice);
        if (svg_is_physical(slice) != cases[i].physical || svg_has_text(slice) != cases[i].texts)
            fail_msg("%s", cases[i].text);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drawing_is_recognised_by_its_first_element),
        cmocka_unit_test(what_precedes_it_is_limited),
        cmocka_unit_test(references_to_the_outside_are_found),
        cmocka_unit_test(its_size_may_be_in_physical_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
