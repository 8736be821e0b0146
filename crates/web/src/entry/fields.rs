//! Inputs of a form, from its table. Repeated parts are shown once and copied by the script.

use maud::{Markup, html};

use crate::{
    entry::forms::{Field, Form, Group, Kind, UNITS},
    layout::Frame,
    words::Words,
};

/// A list to choose from while typing.
pub(crate) fn choices(id: &str, values: &[String]) -> Markup {
    html! { datalist id=(id) { @for value in values { option value=(value) {} } } }
}

/// All inputs of a form. Lots that the address names are filled in, one part each.
pub(crate) fn inputs(frame: &Frame<'_>, form: &Form, language: usize) -> Markup {
    let t = frame.words();
    let lots: Vec<&str> =
        frame.asked.query.pairs().filter(|(name, _)| *name == "lot").map(|(_, value)| value).collect();
    html! {
        @for group in form.groups {
            @match group.list {
                None => section.card {
                    (heading(group, language))
                    div.fields { @for field in group.fields { (input(t, field, "", language, lots.first().copied())) } }
                },
                Some(list) => section.card data-list=(list) {
                    (heading(group, language))
                    @for at in 0..lots.len().max(1) {
                        fieldset.item {
                            legend { "№ " span data-part="number" { (at + 1) } }
                            div.fields {
                                @let base = format!("{list}[{at}].");
                                @for field in group.fields { (input(t, field, &base, language, lots.get(at).copied())) }
                            }
                        }
                    }
                    div.actions {
                        button type="button" data-part="more" { "+ " (t.enter_more) }
                        button type="button" data-part="less" { "− " (t.enter_less) }
                    }
                },
            }
        }
        section.card {
            div.fields {
                label { span { (t.enter_time) } input type="datetime-local" name="event_time" step="1" required; }
                label { span { (t.enter_note) } input type="text" name="note" maxlength="1000"; }
            }
        }
    }
}

fn heading(group: &Group, language: usize) -> Markup {
    html! { @if !group.title[language].is_empty() { h2 { (group.title[language]) } } }
}

fn input(t: &'static Words, field: &Field, base: &str, language: usize, lot: Option<&str>) -> Markup {
    let name = format!("{base}{}", field.path);
    let label = field.label[language];
    let lot = lot
        .filter(|_| field.path == "lot" || field.path.ends_with(".lot") && matches!(field.kind, Kind::Lot));
    let text = |kind: &str, list: Option<&str>, hint: &str| {
        html! {
            label { span { (label) }
                input type="text" name=(name) data-kind=(kind) list=[list] placeholder=[(!hint.is_empty()).then_some(hint)]
                    required[field.required] value=[lot] autocomplete="off";
            }
        }
    };
    match field.kind {
        Kind::Text => text("text", None, ""),
        Kind::NewId => text("id", None, t.enter_number),
        Kind::Lot => text("text", Some("lots"), t.enter_number),
        Kind::Facility => text("text", Some("facilities"), t.enter_name),
        Kind::Member => text("text", Some("members"), ""),
        Kind::Contents => text("contents", None, "Ta2O5 39.7 % ± 0.4 %; U < 50 ppm"),
        Kind::List => text("list", None, "A-17, A-18"),
        Kind::Degrees => text("degrees", None, "59.3556"),
        Kind::Mass => html! {
            div.mass role="group" aria-label=(label) {
                label { span { (label) } input type="text" inputmode="decimal" name={ (name) ".value" } required[field.required] autocomplete="off"; }
                label { span { (t.enter_unit) }
                    select name={ (name) ".unit" } { @for unit in UNITS { option value=(unit) { (unit) } } } }
                label { span { (t.enter_moisture) }
                    input type="text" name={ (name) ".moisture" } placeholder="3.2 %" autocomplete="off"; }
            }
        },
        Kind::Choice(choices) => html! {
            label { span { (label) }
                select name=(name) {
                    @for (value, word) in choices { option value=(value) { (word(t)) } }
                }
            }
        },
    }
}
