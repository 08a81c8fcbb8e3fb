//! The page stands alone, is well-formed, and shows text as text.

use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::*;

/// Whether every element that is opened is closed, in order. The page is
/// written so that it is XML but for its first lines.
fn is_well_formed(html: &str) -> Result<(), String> {
    let body = &html[html.find("<body>").ok_or("no body")?..];
    let body = body.trim_end().strip_suffix("</html>").ok_or("no end")?;
    let mut reader = Reader::from_str(body);
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(format!("{error} at {}", reader.error_position())),
        }
    }
}

fn page(text: &str) -> Page {
    let cells = vec![
        Cell::Text(text.to_owned()),
        Cell::Code(text.to_owned()),
        Cell::Bar(text.to_owned(), 0.5),
        Cell::Status(Status::Failed),
    ];
    let blocks = vec![
        Block::Text(text.to_owned()),
        Block::Table {
            head: vec!["a", "b", "c", "d"],
            rows: vec![cells],
        },
        Block::Output {
            title: text.to_owned(),
            note: text.to_owned(),
            lines: vec![text.to_owned(), "second".to_owned()],
        },
    ];
    Page {
        good: Verdict::Bad,
        headline: text.to_owned(),
        sections: vec![
            Section::open(text, blocks.clone()),
            Section::folded(text, blocks),
        ],
    }
}

#[test]
fn the_page_stands_alone_and_shows_text_as_text() {
    let html = render(&page("<script>alert(\"1\" & '2')</script>"));
    assert_eq!(is_well_formed(&html), Ok(()));
    for outside in ["<script", "src=", "href=", "url(", "@import"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(
        html.contains("&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)"),
        "{html}"
    );
    assert!(html.starts_with("<!doctype html>") && html.contains("<details>"));
    assert!(html.contains("--share:50.0%"));
}

proptest! {
    #[test]
    fn no_text_breaks_the_page(text in any::<String>()) {
        prop_assert_eq!(is_well_formed(&render(&page(&text))), Ok(()));
    }
}
