/* Both directions of the Query protocol: forms to trees, trees to XML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "form.h"
#include "query_xml.h"
#include "sqs_errors.h"

static const struct form_name names[] = {{"Attribute", "Attributes"}, {"Entry", "Entries"}};

static void shapes(const char *form, const char *wanted)
{
    json_t *tree = json_object(), *want = json_loads(wanted, 0, NULL);
    assert_non_null(want);
    assert_int_equal(form_parse(tree, slice_of(form), names, 2), 0);
    json_t *shaped = form_shape(tree);
    assert_true(json_equal(shaped, want));
    json_decref(shaped);
    json_decref(want);
    json_decref(tree);
}

static void forms_become_the_shapes_of_the_json_protocol(void **state)
{
    (void)state;
    shapes("", "{}");
    shapes("A=x+y%2B%C3%A9&B=", "{\"A\": \"x y+\u00e9\", \"B\": \"\"}");
    shapes("N.1=a&N.2=b&N.10=j", "{\"N\": [\"a\", \"b\", \"j\"]}");
    shapes("N.10=j&N.2=b", "{\"N\": [\"b\", \"j\"]}"); /* gaps and order do not matter */
    shapes("Attribute.1.Name=V&Attribute.1.Value=30&Attribute.2.Name=D&Attribute.2.Value=0",
           "{\"Attributes\": {\"V\": \"30\", \"D\": \"0\"}}");
    shapes("Attributes.entry.1.key=V&Attributes.entry.1.value=30",
           "{\"Attributes\": {\"V\": \"30\"}}");
    shapes("E.member.1.Id=a&E.member.2.Id=b", "{\"E\": [{\"Id\": \"a\"}, {\"Id\": \"b\"}]}");
    shapes("Entry.1.Id=a&Entry.1.Attribute.1.Name=n&Entry.1.Attribute.1.Value.Type=String",
           "{\"Entries\": [{\"Id\": \"a\", \"Attributes\": {\"n\": {\"Type\": \"String\"}}}]}");
}

static void broken_forms_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        int code;
    } cases[] = {
        {"A=%zz", ERR_INVALID},     {"A=%00", ERR_INVALID},
        {"A=%ff", ERR_INVALID}, /* not UTF-8 */
        {"A=1&A.B=2", ERR_INVALID}, {"a.b.c.d.e.f.g.h.i.j.k=1", ERR_LIMIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *tree = json_object();
        assert_int_equal(form_parse(tree, slice_of(cases[i].form), names, 2), cases[i].code);
        json_decref(tree);
    }
}

/* An invalid request must not be reported as a lack of memory. */
static void names_and_values_must_be_utf8(void **state)
{
    (void)state;
    static const char *const forms[] = {"%ff=a", "A.%c3=a", "a=%ff"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        json_t *tree = json_object();
        assert_int_equal(form_parse(tree, slice_of(forms[i]), names, 2), ERR_INVALID);
        json_decref(tree);
    }
}

/* A response that could not be encoded would be empty. */
static void errors_quote_what_was_sent_as_text(void **state)
{
    (void)state;
    struct service_error error = {0};
    service_error_set(&error, SERVICE_INVALID_ACTION, "The action %.3s is unknown.",
                      "a\xc3\xa9\xc3\xa9");
    assert_string_equal(error.text, "The action a\xc3\xa9 is unknown.");
    service_error_set(&error, SERVICE_INVALID_ACTION, "The action %.4s is unknown.",
                      "a\xc3\xa9\xc3\xa9");
    assert_string_equal(error.text, "The action a\xc3\xa9? is unknown.");
    service_error_set(&error, SERVICE_INVALID_ACTION, "The action %s is unknown.",
                      "\x01\xff\xed\xa0\x80");
    assert_string_equal(error.text, "The action ????? is unknown.");
}

static void parameters_are_bounded(void **state)
{
    (void)state;
    struct buffer form;
    json_t *tree = json_object();
    buffer_init(&form, 1 << 20);
    for (int i = 0; i < 3000; i++)
        buffer_format(&form, "N.%d=x&", i);
    assert_int_equal(form_parse(tree, buffer_slice(&form), names, 2), ERR_LIMIT);
    buffer_free(&form);
    json_decref(tree);
}

static void writes(const char *json, const struct xml_style *style, const char *wanted)
{
    struct buffer xml;
    json_t *tree = json_loads(json, 0, NULL);
    assert_non_null(tree);
    buffer_init(&xml, 4096);
    assert_int_equal(xml_members(&xml, tree, style), 0);
    assert_string_equal(xml.data, wanted);
    buffer_free(&xml);
    json_decref(tree);
}

static void trees_become_xml_in_both_styles(void **state)
{
    (void)state;
    static const struct xml_rule rules[] = {{"Messages", "Message", NULL, NULL},
                                            {"Attributes", "Attribute", "Name", "Value"}};
    static const struct xml_rule nested_rules[] = {{"Topics", "", NULL, NULL},
                                                   {"Attributes", "", "key", "value"}};
    const struct xml_style flat = {rules, 2, false}, nested = {nested_rules, 2, true};
    writes("{\"Messages\": [{\"Body\": \"<&>\\\"\\r\\n\"}, {\"N\": 5, \"B\": true}]}", &flat,
           "<Message><Body>&lt;&amp;&gt;&quot;&#xd;\n</Body></Message>"
           "<Message><N>5</N><B>true</B></Message>");
    writes("{\"Attributes\": {\"a\": \"1\", \"b\": {\"T\": \"S\"}}}", &flat,
           "<Attribute><Name>a</Name><Value>1</Value></Attribute>"
           "<Attribute><Name>b</Name><Value><T>S</T></Value></Attribute>");
    writes("{\"Topics\": [{\"TopicArn\": \"x\"}], \"Attributes\": {\"a\": \"1\"}}", &nested,
           "<Topics><member><TopicArn>x</TopicArn></member></Topics>"
           "<Attributes><entry><key>a</key><value>1</value></entry></Attributes>");
    writes("{\"Topics\": []}", &nested, "<Topics></Topics>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_become_the_shapes_of_the_json_protocol),
        cmocka_unit_test(broken_forms_are_refused),
        cmocka_unit_test(names_and_values_must_be_utf8),
        cmocka_unit_test(errors_quote_what_was_sent_as_text),
        cmocka_unit_test(parameters_are_bounded),
        cmocka_unit_test(trees_become_xml_in_both_styles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
