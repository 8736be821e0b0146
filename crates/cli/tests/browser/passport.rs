//! The QR code on a passport, read from the picture as a telephone would, opens the passport's own page.

use rqrr::PreparedImage;

use crate::{
    chromium::{Browser, browser},
    demo::{Demo, served},
};

/// Edge of the picture that is read, in pixels.
const EDGE: usize = 480;

#[test]
fn the_code_on_a_passport_opens_its_page() {
    if !served("/lots/{member}/{number}/{view}") {
        eprintln!("LEFT OUT: no QR code was read, for the node serves no passports yet");
        return;
    }
    let Some(mut browser) = browser() else { return };
    let demo = Demo::start();
    demo.sign_in(&mut browser, "secretariat");
    let path = "/lots/target-maker-jp/TGT-301/passport";
    demo.open(&mut browser, path);
    let heading = browser.text("h1");
    let read = code(&mut browser, "svg.code");
    assert_eq!(read, format!("{}{path}", demo.url));
    demo.open(&mut browser, "/");
    browser.open(&read);
    assert_eq!(browser.text("h1"), heading, "it opens the same page");
    browser.keep_picture("passport");
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
}

/// What a QR code says, from its pixels as the browser draws them.
fn code(browser: &mut Browser, selector: &str) -> String {
    let drawn = browser.value(&format!(
        "(async () => {{ const svg = document.querySelector('{selector}').cloneNode(true); \
         svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg'); \
         const image = new Image(); \
         image.src = 'data:image/svg+xml,' + encodeURIComponent(svg.outerHTML); \
         await image.decode(); \
         const canvas = document.createElement('canvas'); canvas.width = canvas.height = {EDGE}; \
         const pen = canvas.getContext('2d'); pen.drawImage(image, 0, 0, {EDGE}, {EDGE}); \
         const {{ data }} = pen.getImageData(0, 0, {EDGE}, {EDGE}); \
         return Array.from({{ length: {EDGE} * {EDGE} }}, (_, at) => data[4 * at] < 128 ? '1' : '0').join(''); }})()"
    ));
    let pixels = drawn.as_str().expect("pixels").as_bytes();
    assert_eq!(pixels.len(), EDGE * EDGE, "the code was drawn");
    let mut image =
        PreparedImage::prepare_from_greyscale(
            EDGE,
            EDGE,
            |x, y| {
                if pixels[y * EDGE + x] == b'1' { 0 } else { 255 }
            },
        );
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "there is one code");
    grids[0].decode().expect("it is read").1
}
