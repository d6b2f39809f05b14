"""Which encoding a page is in, whatever it says."""

import codecs

import pytest

from pipelines.crawl.decoding import decode_html

CHINESE = "<html><title>数学</title><p>" + "小明有三个苹果，又买了五个，一共有多少个苹果？解方程求出答案。" * 8
TRADITIONAL = "<html><title>數學</title><p>" + "這個方程式的解是多少？請證明下列的定理，並計算三角形的面積。" * 8
JAPANESE = "<html><title>数学</title><p>" + "この方程式を解きなさい。三角形の面積を求めましょう。" * 8
KOREAN = "<html><title>수학</title><p>" + "이 방정식을 풀어라. 삼각형의 넓이를 구하시오." * 8
FRENCH = "<html><title>Théorème</title><p>" + "L’équation a été résolue à la main : c’est ça, très élégant. " * 8
RUSSIAN = "<html><title>Математика</title><p>" + "Решите уравнение и найдите площадь треугольника. " * 8
CZECH = "<html><title>Matematika</title><p>" + "Řešte rovnici a určete obsah trojúhelníku, žáku. " * 8
PAGES = [
    (CHINESE, "gbk"),
    (CHINESE, "gb18030"),
    (CHINESE, "utf-8"),
    (TRADITIONAL, "big5"),
    (JAPANESE, "shift_jis"),
    (JAPANESE, "euc-jp"),
    (JAPANESE, "iso-2022-jp"),
    (KOREAN, "euc-kr"),
    (FRENCH, "cp1252"),
    (FRENCH.replace("’", "'"), "iso-8859-1"),
    (RUSSIAN, "windows-1251"),
    (RUSSIAN, "koi8-r"),
    (CZECH, "windows-1250"),
    (CZECH, "iso-8859-2"),
]


@pytest.mark.parametrize(("text", "charset"), PAGES)
def test_the_http_header_is_believed(text, charset):
    assert decode_html(text.encode(charset), f"text/html; charset={charset}")[0] == text


@pytest.mark.parametrize(("text", "charset"), PAGES)
def test_a_meta_element_is_believed(text, charset):
    page = text.replace("<html>", f'<html><meta http-equiv="Content-Type" content="text/html; charset={charset}">')
    assert decode_html(page.encode(charset), "text/html")[0] == page


DETECTABLE = [(text, charset) for text, charset in PAGES if charset not in ("iso-8859-2",)]


@pytest.mark.parametrize(("text", "charset"), DETECTABLE)
def test_without_a_word_the_bytes_tell(text, charset):
    assert decode_html(text.encode(charset), None)[0] == text


@pytest.mark.parametrize("charset", ["gbk", "big5", "shift_jis", "euc-kr", "windows-1251"])
def test_a_header_that_lies_about_utf8_is_found_out(charset):
    text = {charset: text for text, charset in PAGES}[charset]
    assert decode_html(text.encode(charset), "text/html; charset=utf-8")[0] == text


@pytest.mark.parametrize("charset", ["gbk", "big5", "shift_jis", "euc-kr", "windows-1251", "windows-1250", "utf-8"])
def test_a_page_that_names_its_charset_is_believed_before_a_server_that_calls_all_pages_latin(charset):
    text = {charset: text for text, charset in PAGES}[charset].replace("<html>", f"<html><meta charset={charset}>")
    assert decode_html(text.encode(charset), "text/html; charset=ISO-8859-1")[0] == text


@pytest.mark.parametrize("charset", ["gbk", "big5", "shift_jis", "euc-kr"])
def test_two_byte_encodings_under_a_latin_label_are_found_out(charset):
    text = {charset: text for text, charset in PAGES}[charset]
    assert decode_html(text.encode(charset), "text/html; charset=ISO-8859-1")[0] == text


@pytest.mark.parametrize("label", ["utf-8", "gbk", "shift_jis"])
def test_a_latin_page_whose_author_is_wrong_stays_latin(label):
    text = FRENCH.replace("<html>", f"<html><meta charset={label}>")
    assert decode_html(text.encode("cp1252"), "text/html; charset=ISO-8859-1")[0] == text


def test_utf8_under_a_latin_label_is_found_out():
    assert decode_html(FRENCH.encode(), "text/html; charset=iso-8859-1")[0] == FRENCH


@pytest.mark.parametrize(
    ("mark", "charset"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
def test_a_byte_order_mark_wins(mark, charset):
    assert decode_html(mark + CHINESE.encode(charset), "text/html; charset=iso-8859-1")[0] == CHINESE


def test_one_broken_byte_does_not_cost_the_page():
    body = CHINESE.encode()[:400] + b"\xff" + CHINESE.encode()[400:]
    text, charset = decode_html(body, "text/html; charset=utf-8")
    assert charset == "utf-8" and text.count("\ufffd") <= 4 and "一共有多少个苹果" in text


@pytest.mark.parametrize(
    "label", ["nonsense", "hex", "base64", "rot13", "idna", "unicode-escape", "utf-7", "none", "undefined"]
)
def test_a_label_that_is_no_web_encoding_is_passed_over(label):
    assert decode_html(CHINESE.encode(), f"text/html; charset={label}")[0] == CHINESE


def test_a_page_cut_inside_a_character_is_still_utf8():
    assert decode_html(CHINESE.encode()[:-1], None)[1] == "utf-8"


SHORT = {
    "gbk": [
        "计算下面的式子：3+4×5等于多少？",
        "甲乙两地相距120千米，一辆汽车两小时行完，求它的速度。",
        "一个长方形的周长是24厘米，长是宽的两倍，面积是多少平方厘米？",
        "书架上原有书若干本，借出15本后还剩27本，问原来有几本？",
        "证明：任意两个奇数的和必为偶数。",
    ],
    "big5": [
        "計算下面的式子：3+4×5等於多少？",
        "甲乙兩地相距120公里，一輛汽車兩小時行完，求它的速度。",
        "一個長方形的周長是24公分，長是寬的兩倍，面積是多少平方公分？",
        "書架上原有書若干本，借出15本後還剩27本，問原來有幾本？",
        "證明：任意兩個奇數的和必為偶數。",
    ],
    "euc-kr": [
        "다음 식을 계산하시오. 3+4×5는 얼마입니까?",
        "두 도시 사이의 거리는 120킬로미터이다. 자동차가 두 시간 동안 달렸을 때 속력을 구하여라.",
        "직사각형의 둘레가 24센티미터이고 가로가 세로의 두 배일 때 넓이를 구하시오.",
    ],
    "shift_jis": [
        "次の式を計算しなさい。3+4×5はいくつですか。",
        "二つの町の間は120キロメートルです。自動車が二時間で走るときの速さを求めましょう。",
    ],
}


@pytest.mark.parametrize(("text", "charset"), [(text, charset) for charset, all_ in SHORT.items() for text in all_])
def test_one_problem_is_enough_to_tell_its_encoding(text, charset):
    page = f'<html><head><title>1</title></head><body><div class="q">{text}</div></body></html>'
    assert decode_html(page.encode(charset), None)[0] == page


def test_bytes_that_are_no_utf8_at_all_are_not_taken_for_damaged_utf8():
    page = "<html><body><p>求 x</p></body></html>"
    assert "\ufffd" not in decode_html(page.encode("gbk"), None)[0]
