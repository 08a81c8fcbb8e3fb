//! Whatever is in a page, its Markdown is short enough and means what it says.

use proptest::prelude::*;

use super::*;

fn page(sections: Vec<Section>) -> Page {
    Page {
        good: Verdict::Bad,
        headline: "1 passed, 1 failed".to_owned(),
        sections,
    }
}

fn rows(count: usize) -> Block {
    let row = |index: usize| {
        vec![
            Cell::Code(format!("case{index}")),
            Cell::Number(index.to_string()),
        ]
    };
    Block::Table {
        head: vec!["case", "time"],
        rows: (0..count).map(row).collect(),
    }
}

fn output(lines: usize) -> Block {
    Block::Output {
        title: "ktest::m::c".to_owned(),
        note: "panicked: boom".to_owned(),
        lines: (0..lines).map(|line| format!("line {line}")).collect(),
    }
}

#[test]
fn a_short_page_is_whole() {
    let text = render(
        &page(vec![
            Section::open("Failed", vec![output(2)]),
            Section::folded("All cases", vec![rows(2)]),
        ]),
        LIMIT,
    );
    let expected = "\
# \u{274c} 1 passed, 1 failed

## Failed

### <code>ktest::m::c</code>

panicked: boom

```text
line 0
line 1
```

<details><summary>All cases</summary>

| case | time |
| --- | ---: |
| <code>case0</code> | 0 |
| <code>case1</code> | 1 |

</details>
";
    assert_eq!(text, expected);
}

#[test]
fn the_least_important_goes_first_and_is_named() {
    let page = page(vec![
        Section::open("Failed", vec![output(200), output(1)]),
        Section::open("Tests", vec![rows(30)]),
        Section::folded("All cases", vec![rows(30_000)]),
        Section::folded("Even less", vec![rows(1)]),
    ]);
    let text = render(&page, 20_000);
    assert!(text.len() <= 20_000, "{}", text.len());
    assert!(
        text.contains("line 199") && text.contains("case29"),
        "{text}"
    );
    assert!(
        text.contains("more left out: the page would be too long.*\n\n</details>"),
        "{text}"
    );
    assert!(
        text.contains("*Left out, for the page would be too long: Even less.*"),
        "{text}"
    );
    // With less room the output of a failure is shortened before its name goes.
    let text = render(&page, LEAST + 400);
    assert!(text.contains("<code>ktest::m::c</code>"), "{text}");
    assert!(
        text.contains("Its output is left out") && text.contains("line 0"),
        "{text}"
    );
    assert!(
        !text.contains("line 1\n") && !text.contains("case0"),
        "{text}"
    );
}

#[test]
fn text_cannot_become_markdown_or_html() {
    for (text, expected) in [
        ("a|b", "a&#124;b"),
        ("<script>", "&#60;script&#62;"),
        ("`x`", "&#96;x&#96;"),
        ("a_b _c_", "a_b &#95;c&#95;"),
        ("@user #12", "&#64;user &#35;12"),
        ("- item", "&#45; item"),
        ("1. item", "1&#46; item"),
        ("two\nlines", "two lines"),
        ("https://x", "https&#58;//x"),
        ("\x1b[31mred\x1b[0m", "red"),
    ] {
        assert_eq!(escaped(text), expected);
    }
}

#[test]
fn output_cannot_close_its_fence() {
    let block = Block::Output {
        title: "x".to_owned(),
        note: String::new(),
        lines: vec!["````".to_owned(), "# heading".to_owned()],
    };
    let text = render(&page(vec![Section::open("Failed", vec![block])]), LIMIT);
    assert!(
        text.contains("\n`````text\n````\n# heading\n`````\n"),
        "{text}"
    );
}

/// What a reader of HTML makes of the entities.
fn read_back(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("&#") {
        out.push_str(before);
        let (number, after) = after.split_once(';').expect("each entity ends");
        let number: u32 = number.parse().expect("a number");
        out.push(char::from_u32(number).expect("a character"));
        rest = after;
    }
    out + rest
}

prop_compose! {
    fn any_page()(
        sections in prop::collection::vec(
            (any::<String>(), any::<bool>(), prop::collection::vec(any::<String>(), 0..40), 0usize..3),
            0..8,
        ),
        headline in any::<String>(),
    ) -> Page {
        let section = |(title, folded, texts, kind): (String, bool, Vec<String>, usize)| {
            let blocks = match kind {
                0 => texts.into_iter().map(Block::Text).collect(),
                1 => vec![Block::Table {
                    head: vec!["a"],
                    rows: texts.into_iter().map(|text| vec![Cell::Code(text)]).collect(),
                }],
                _ => vec![Block::Output { title: "t".to_owned(), note: String::new(), lines: texts }],
            };
            match folded {
                true => Section::folded(title, blocks),
                false => Section::open(title, blocks),
            }
        };
        Page { good: Verdict::Good, headline, sections: sections.into_iter().map(section).collect() }
    }
}

proptest! {
    #[test]
    fn never_longer_than_it_may_be(page in any_page(), limit in 0usize..20_000) {
        let text = render(&page, limit);
        prop_assert!(text.len() <= limit.max(LEAST), "{} > {limit}", text.len());
    }

    #[test]
    fn what_is_escaped_reads_back(text in any::<String>()) {
        let safe = escaped(&text);
        prop_assert!(!safe.contains(['<', '>', '|', '`', '*', '\n', '[', '\\', '@']));
        let expected: Vec<String> = text.lines().map(plain).collect();
        prop_assert_eq!(read_back(&safe), expected.join(" "));
    }

    #[test]
    fn a_cell_never_breaks_its_row(text in any::<String>()) {
        let block = Block::Table { head: vec!["a", "b"], rows: vec![vec![Cell::Text(text.clone()), Cell::Code(text)]] };
        let mut pieces = Vec::new();
        let Block::Table { head, rows } = &block else { unreachable!() };
        table(head, rows, &mut pieces);
        let row = pieces[0].whole.lines().last().expect("a row").to_owned();
        prop_assert_eq!(row.matches('|').count(), 3, "{}", row);
    }
}
