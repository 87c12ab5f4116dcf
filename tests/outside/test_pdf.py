"""PDF: its pages are drawn in the size of the output, as pdftoppm draws them with another renderer, and nothing in it is run."""
import pytest
from PIL import Image, ImageFilter

import drawings
import operation_runs as runs
from drawings import by_poppler, distance, pdf
from harness import open_image
from test_input_formats import part_of, picture, process, written
from test_svg import Server

ENABLE = "--formats=+pdf"
SHAPES = b"1 0 0 rg 20 10 60 30 re f 0 0 1 RG 3 w 10 90 m 50 10 150 10 190 90 c S"
TEXT = b"BT /F 24 Tf 20 40 Td (Hello world) Tj ET"
DOCUMENTS = {
    "shapes": (pdf([((192, 96), SHAPES)]), (256, 128)),
    "text": (pdf([((192, 96), SHAPES + b" " + TEXT)]), (256, 128)),
    "turned": (pdf([((192, 96), SHAPES)], page=b"/Rotate 90"), (128, 256)),
    "cropped": (pdf([((192, 96), SHAPES)], page=b"/CropBox[10 5 110 85]"), (133, 107)),
    "picture": (written(picture("RGB").filter(ImageFilter.GaussianBlur(3)).resize((384, 288)), "PDF", resolution=144), (256, 192)),
    "owned": (drawings.encrypted_pdf((192, 96), SHAPES), (256, 128)),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_page_is_drawn_in_each_size_as_by_another_renderer(tmp_path, name):
    """pdftoppm's edges have other greys, and its letters another hinting. Its sizes are rounded up."""
    data, size = DOCUMENTS[name]
    made = runs.run(tmp_path, data, {"own": "", "large": "width: 1280"}, "in.pdf", ENABLE)
    assert made["own"].size == size and made["large"].mode == "RGB"
    for output, options in (("own", ("-r", 96)), ("large", ("-scale-to", max(made["large"].size)))):
        wanted = by_poppler(tmp_path, data, "-cropbox", *options)
        assert max(abs(a - b) for a, b in zip(made[output].size, wanted.size)) <= 1, (output, wanted.size)
        assert distance(made[output], wanted.resize(made[output].size)) < 3, output


def test_each_page_can_be_chosen(tmp_path):
    data = pdf([((200, 100), b"1 0 0 rg 0 0 200 100 re f"), ((100, 300), b"0 0 1 rg 0 0 100 300 re f")])
    made = runs.run(tmp_path / "pages", data, {"a": "width: 50", "b": "width: 50, page: 2"}, "in.pdf", ENABLE)
    assert made["a"].size == (50, 25) and made["a"].getpixel((25, 12)) == (255, 0, 0)
    assert made["b"].size == (50, 150) and made["b"].getpixel((25, 75)) == (0, 0, 255)
    (tmp_path / "p.yaml").write_text(runs.pipeline({"c": "width: 50, page: 3"}))
    part = part_of(processed(tmp_path, {"in.pdf": data})["in.pdf"])
    assert "an output needs page 3, but the image has 2 pages" in part["error"], part


def processed(folder, files):
    """With the pipeline file that is there."""
    import json

    from harness import thumbwheel
    (folder / "in").mkdir()
    for name, data in files.items():
        (folder / "in" / name).write_bytes(data)
    done = thumbwheel("process", "--json", ENABLE, "--pipelines", folder / "p.yaml", "--out", folder / "out", folder / "in")
    rows = map(json.loads, done.stdout.splitlines())
    return {row["path"].rpartition("/")[2]: row for row in rows if row["type"] == "photo"}


def actions(url, folder):
    """What a viewer might do when it opens a document."""
    script = f"app.launchURL('{url}/js'); this.submitForm('{url}/js2'); this.saveAs('{folder}/js3')".encode()
    for name, action in {
        "javascript": b"<</S/JavaScript/JS(%s)>>" % script.replace(b"(", b"\\(").replace(b")", b"\\)"),
        "launch": b"<</S/Launch/F(/usr/bin/touch)/Unix(/usr/bin/touch %s/launched)>>" % str(folder).encode(),
        "uri": b"<</S/URI/URI(%s/uri)>>" % url.encode(),
        "import": b"<</S/ImportData/F(/etc/passwd)>>",
        "submit": b"<</S/SubmitForm/F<</FS/URL/F(%s/form)>>>>" % url.encode(),
        "remote": b"<</S/GoToR/F(%s/other.pdf)/D[0/Fit]>>" % str(folder).encode(),
    }.items():
        yield name, pdf([((192, 96), SHAPES)], catalog=b"/OpenAction%s/AA<</WC%s>>" % (action, action), page=b"/AA<</O%s>>" % action)
    outside = b"<</Length 0/F(%s/secret.png)/FFilter/DCTDecode/Type/XObject/Subtype/Image/Width 9/Height 9/ColorSpace/DeviceRGB/BitsPerComponent 8>>\nstream\n\nendstream" % str(folder).encode()
    yield "stream", pdf([((192, 96), SHAPES + b" /X Do")], page=b"/Resources<</XObject<</X 6 0 R>>>>", more=[outside])


def test_what_a_document_asks_for_is_not_done(tmp_path):
    folder = tmp_path / "target"
    folder.mkdir()
    Image.new("RGB", (9, 9), "lime").save(folder / "secret.png")
    with Server() as server:
        files = dict(actions(server.url, folder))
        rows = process(tmp_path, {f"{name}.pdf": data for name, data in files.items()} | {"plain.pdf": DOCUMENTS["shapes"][0]}, ENABLE)
        assert server.paths == []
    assert [path.name for path in folder.iterdir()] == ["secret.png"]
    plain = open_image((tmp_path / "out/o/plain.pdf.png").read_bytes())
    for name in files:
        assert rows[f"{name}.pdf"]["result"] == "done", rows[f"{name}.pdf"]
        made = open_image((tmp_path / "out/o" / f"{name}.pdf.png").read_bytes())
        assert made.tobytes() == plain.tobytes(), name


def test_encrypted_and_broken_documents_are_rejected_with_the_reason(tmp_path):
    good = DOCUMENTS["text"][0]
    files = {"secret.pdf": drawings.encrypted_pdf((192, 96), SHAPES, b"password"), "head.pdf": b"%PDF-1.7\n", "cut.pdf": good[:len(good) // 3],
             "none.pdf": drawings.pdf_of([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"]),
             "huge.pdf": pdf([((14400, 14400), SHAPES)])}
    rows = process(tmp_path, files, ENABLE)
    parts = {name: part_of(rows[name]) for name in files}
    assert parts["secret.pdf"]["reason"] == "image-unsupported" and "encrypted with a password" in parts["secret.pdf"]["error"], parts
    assert parts["huge.pdf"]["reason"] == "image-over-limit", parts["huge.pdf"]
    for name in ("head.pdf", "cut.pdf", "none.pdf"):
        assert parts[name]["reason"] == "image-corrupt", (name, parts[name])


def test_it_needs_a_process_of_its_own(tmp_path):
    part = part_of(process(tmp_path, {"a.pdf": DOCUMENTS["text"][0]}, ENABLE, "--isolation=thread")["a.pdf"])
    assert part["reason"] == "image-unsupported" and "--isolation=process" in part["error"], part
