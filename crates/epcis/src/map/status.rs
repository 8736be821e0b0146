//! What is observed of lots: assays, seals, use, inventories, holds, recalls.

use std::collections::BTreeMap;

use ore_record::{
    content, elements,
    v1::{
        Assay, AssayStage, Composition, Content, ContentKind, Hold, Recall, Release, SealAction, SealEvent,
        StockLine, Stocktake, Use, record::Event as Statement,
    },
};

use super::{Mapping, as_number, lots::MATERIALS};
use crate::{
    event::{Action, EventKind},
    json::Object,
    refusal::{Clause, Refusal, quote},
};

/// InChI keys of elements that laboratories report, and their symbols.
const SUBSTANCES: [(&str, &str); 14] = [
    ("GUVRBAGPIYLISA-UHFFFAOYSA-N", "Ta"),
    ("GUCVJGMIXFAOAE-UHFFFAOYSA-N", "Nb"),
    ("WFKWXMTUELFFGS-UHFFFAOYSA-N", "W"),
    ("ATJFFYVFTNAWJD-UHFFFAOYSA-N", "Sn"),
    ("GUTLYIVDDKVIGB-UHFFFAOYSA-N", "Co"),
    ("RYGMFSIKBFXOCR-UHFFFAOYSA-N", "Cu"),
    ("PCHJSUWPFVWCPO-UHFFFAOYSA-N", "Au"),
    ("RTAQQCXQSZGOHL-UHFFFAOYSA-N", "Ti"),
    ("QCWXUUIWCKQGHC-UHFFFAOYSA-N", "Zr"),
    ("WHXSMMKQMYFTQS-UHFFFAOYSA-N", "Li"),
    ("PXHVJJICTQNCMI-UHFFFAOYSA-N", "Ni"),
    ("XEEYBQQBJWHFJM-UHFFFAOYSA-N", "Fe"),
    ("JFALSRSLKYAFGM-UHFFFAOYSA-N", "U"),
    ("ZSLUVFAKFWKJRC-UHFFFAOYSA-N", "Th"),
];

/// The InChI key of an element, as a sensor report names it.
pub(crate) fn inchi_key(element: u32) -> Option<&'static str> {
    let symbol = elements::symbol(element)?;
    SUBSTANCES.iter().find(|(_, known)| *known == symbol).map(|(key, _)| *key)
}

const STAGES: [(&str, AssayStage); 6] = [
    ("producer", AssayStage::Producer),
    ("provisional", AssayStage::Provisional),
    ("seller", AssayStage::Seller),
    ("buyer", AssayStage::Buyer),
    ("umpire", AssayStage::Umpire),
    ("final", AssayStage::Final),
];

impl Mapping<'_> {
    /// Whether a sensor report measures a substance.
    pub(super) fn is_assay(&self) -> bool {
        self.reports().any(|(_, report)| report.get("chemicalSubstance").is_some())
    }

    fn reports(&self) -> impl Iterator<Item = (&Object, &Object)> {
        static NONE: Object = Object::new();
        let elements = self.event.sensors.iter().filter_map(|element| element.as_object());
        elements.flat_map(|element| {
            let metadata = element.get("sensorMetadata").and_then(|it| it.as_object()).unwrap_or(&NONE);
            let reports = element.get("sensorReport").and_then(|it| it.as_list()).unwrap_or_default();
            reports.iter().filter_map(move |report| report.as_object().map(|report| (metadata, report)))
        })
    }

    pub(super) fn assay(&mut self) -> Result<Vec<Statement>, Refusal> {
        let (mut contents, mut method): (Vec<Content>, &str) = (Vec::new(), "");
        for (metadata, report) in self.reports() {
            let stated =
                report.text("dataProcessingMethod").or_else(|| metadata.text("dataProcessingMethod"));
            method = stated.unwrap_or(method);
            contents.extend(self.measured(report)?);
        }
        contents.sort_by_key(|content| content.element);
        if contents.windows(2).any(|pair| pair[0].element == pair[1].element) {
            let hint = "send one event for each measurement";
            return self.refuse("sensorElementList", Clause::Sensor, "an element is reported twice", hint);
        }
        let method: String = method.rsplit('/').next().unwrap_or_default().chars().take(60).collect();
        if method.is_empty() {
            self.lacks.push("the method of the measurement".into());
        }
        let laboratory = self.author();
        let stage = self.word("stage", &STAGES)?.unwrap_or(AssayStage::Unspecified);
        let composition = Composition { contents, method, laboratory, stage: stage.into() };
        let assay = |lot| {
            Statement::Assay(Assay {
                lot: Some(lot),
                composition: Some(composition.clone()),
                ..Assay::default()
            })
        };
        Ok(self.lot_refs()?.into_iter().map(assay).collect())
    }

    /// The content that a report states; reports of other things than substances are passed over.
    fn measured(&self, report: &Object) -> Result<Option<Content>, Refusal> {
        let Some(substance) = report.text("chemicalSubstance") else { return Ok(None) };
        let path = "sensorElementList";
        let key = substance.rsplit(['/', ':']).next().unwrap_or_default();
        let Some((_, symbol)) = SUBSTANCES.iter().find(|(known, _)| *known == key) else {
            let reason = format!("{} is no element by an InChI key that is known here", quote(substance));
            return self.refuse(
                path,
                Clause::Sensor,
                reason,
                "report elements, or use the minerals extension",
            );
        };
        let unit = match report.text("uom") {
            Some("P1") => "%",
            Some("59") => "ppm",
            Some("61") => "ppb",
            other => {
                let reason = format!("{} is no unit of a mass fraction", quote(other.unwrap_or_default()));
                return self.refuse(path, Clause::Unit, reason, "P1 (percent), 59 (ppm) or 61 (ppb)");
            }
        };
        let Some(value) = report.get("value").and_then(as_number) else {
            return self.refuse(path, Clause::Sensor, "the report has no value", "state the mass fraction");
        };
        let uncertainty = report.get("sDev").and_then(as_number);
        let amount = format!("{value} {unit}");
        let mut content = content::from_text(symbol, &amount, ContentKind::Measured)
            .map_err(|error| Refusal::new(path, Clause::Sensor, error.to_string(), "a mass fraction"))?;
        if let Some(deviation) = uncertainty {
            let one = content::from_text(symbol, &format!("{deviation} {unit}"), ContentKind::Measured)
                .map_err(|error| {
                    Refusal::new(path, Clause::Sensor, error.to_string(), "a standard deviation")
                })?;
            // k = 2.
            content.uncertainty_ppb = one.ppb.saturating_mul(2);
        }
        Ok(Some(content))
    }

    /// A container's or a tag's number on each lot.
    pub(super) fn seals(&mut self) -> Result<Vec<Statement>, Refusal> {
        let event = self.event;
        let (clause, action) = match (event.kind, event.action) {
            (EventKind::Association, action) => (Clause::AssociationEvent, action),
            (_, action) => (Clause::AggregationEvent, action),
        };
        let action = match action {
            Some(Action::Add) => SealAction::Applied,
            Some(Action::Observe) => SealAction::Checked,
            _ => SealAction::Voided,
        };
        // In an aggregation lots are put under a container's number, in an association a seal is put on a lot.
        let pairs: Vec<(&str, &str, &str)> = match event.kind {
            EventKind::Aggregation => event
                .things
                .iter()
                .map(|thing| (thing.uri.as_str(), event.parent.as_str(), thing.path.as_str()))
                .collect(),
            _ => event
                .things
                .iter()
                .map(|thing| (event.parent.as_str(), thing.uri.as_str(), "parentID"))
                .collect(),
        };
        if pairs.is_empty() || event.parent.is_empty() {
            let reason = "names no parent or no children, so no lot gets or loses a number";
            return self.refuse("parentID", clause, reason, "name both");
        }
        let mut statements = Vec::new();
        for (lot, seal, path) in pairs {
            let lot = self.lot_id(lot, path)?;
            let seal = seal.strip_prefix("https://id.gs1.org/").unwrap_or(seal).to_owned();
            if seal.len() > 64 {
                let reason = format!("{} has more than 64 bytes", quote(&seal));
                return self.refuse(
                    path,
                    Clause::Identifier,
                    reason,
                    "use a GS1 key for the container or seal",
                );
            }
            let lot = Some(ore_record::draft::lot(&lot));
            statements.push(Statement::Seal(SealEvent { lot, seal, action: action.into() }));
        }
        Ok(statements)
    }

    pub(super) fn used(&mut self) -> Result<Vec<Statement>, Refusal> {
        let [thing] = self.some_things(Clause::ObjectEvent)? else {
            let reason = "one net mass is stated of several pieces";
            return self.refuse("epcList", Clause::ObjectEvent, reason, "send one event for each piece");
        };
        let facility = self.place()?.id.clone();
        let item = Some(self.lot_ref(thing)?);
        Ok(vec![Statement::Use(Use { item, net_mass: Some(self.taken_mass(thing)?), facility })])
    }

    pub(super) fn stocktake(&mut self) -> Result<Vec<Statement>, Refusal> {
        let facility = self.place()?.id.clone();
        let stated = self.word("material", &MATERIALS)?;
        let mut lines: BTreeMap<i32, u64> = BTreeMap::new();
        for thing in self.some_things(Clause::ObjectEvent)? {
            let product = self.directory.product(&thing.uri).map(|product| product.material);
            let Some(material) = stated.or(product) else {
                let reason = format!("nothing says what material {} is", quote(&thing.uri));
                return self.refuse(
                    &thing.path,
                    Clause::Quantity,
                    reason,
                    "state mct:material or the GTIN in the products file",
                );
            };
            let line = lines.entry(material.into()).or_default();
            *line = line.saturating_add(self.taken_mass(thing)?.dry_mg);
        }
        let line = |(material, mg)| StockLine { material, element: 0, mg };
        let lines = lines.into_iter().map(line).collect();
        Ok(vec![Statement::Stocktake(Stocktake { facility, period_start_ms: 0, lines })])
    }

    pub(super) fn hold(&mut self) -> Result<Vec<Statement>, Refusal> {
        let reason = self.reason();
        let hold = |lot| Statement::Hold(Hold { lot: Some(lot), reason: reason.clone() });
        Ok(self.lot_refs()?.into_iter().map(hold).collect())
    }

    pub(super) fn release(&mut self) -> Result<Vec<Statement>, Refusal> {
        let reason = self.reason();
        let release = |lot| Statement::Release(Release { lot: Some(lot), reason: reason.clone() });
        Ok(self.lot_refs()?.into_iter().map(release).collect())
    }

    pub(super) fn recall(&mut self) -> Result<Vec<Statement>, Refusal> {
        let reason = self.reason();
        let descendants = self.term("descendants").is_some_and(|text| text == "true");
        let recall = |lot| Statement::Recall(Recall { lot: Some(lot), descendants, reason: reason.clone() });
        Ok(self.lot_refs()?.into_iter().map(recall).collect())
    }
}
