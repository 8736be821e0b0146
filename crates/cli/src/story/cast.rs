//! Who takes part in the story. Every organisation is invented; ids say what a member does and where.

use ore_record::v1::Role;

/// An invented organisation.
pub(crate) struct Actor {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) country: &'static str,
    pub(crate) roles: &'static [Role],
}

const fn actor(id: &'static str, name: &'static str, country: &'static str, roles: &'static [Role]) -> Actor {
    Actor { id, name, country, roles }
}

/// The member by whose key the demo reads: an auditor, who sees the whole ledger.
pub(crate) const READER: &str = "secretariat";

/// Members from the genesis block on.
pub(crate) const FOUNDERS: [Actor; 4] = [
    actor("secretariat", "Secretariat of the demo consortium", "JP", &[Role::Auditor]),
    actor("certifier-ch", "Invented certification body", "CH", &[Role::Certifier, Role::Auditor]),
    actor("permit-registry", "Invented registry of permits", "CH", &[Role::Authority]),
    actor("lab-gb", "Invented assay laboratory", "GB", &[Role::Laboratory]),
];

/// Members that are admitted while the ledger runs, each with two approvals.
pub(crate) const NEWCOMERS: [Actor; 20] = [
    actor("mine-operator-au", "Invented mine operator, Australia", "AU", &[Role::Miner, Role::Concentrator]),
    actor("mine-operator-br", "Invented mine operator, Brazil", "BR", &[Role::Miner, Role::Concentrator]),
    actor("mine-operator-ug", "Invented mine operator, Uganda", "UG", &[Role::Miner, Role::Concentrator]),
    actor("mine-operator-na", "Invented mine operator, Namibia", "NA", &[Role::Miner, Role::Concentrator]),
    actor("mine-operator-et", "Invented mine operator, Ethiopia", "ET", &[Role::Miner, Role::Concentrator]),
    actor("trader-be", "Invented concentrate trader, Belgium", "BE", &[Role::Trader]),
    actor("trader-ae", "Invented concentrate trader, U.A.E.", "AE", &[Role::Trader]),
    actor("carrier-sg", "Invented carrier, Singapore", "SG", &[Role::Carrier]),
    actor("refiner-jp", "Invented tantalum refiner, Japan", "JP", &[Role::Refiner]),
    actor("refiner-ee", "Invented tantalum refiner, Estonia", "EE", &[Role::Refiner]),
    actor("slag-works-th", "Invented slag works, Thailand", "TH", &[Role::Concentrator, Role::Refiner]),
    actor("powder-maker-jp", "Invented powder maker, Japan", "JP", &[Role::Manufacturer, Role::Refiner]),
    actor("powder-maker-us", "Invented powder maker, U.S.A.", "US", &[Role::Manufacturer, Role::Refiner]),
    actor("alloy-maker-de", "Invented niobium maker, Germany", "DE", &[Role::Manufacturer, Role::Refiner]),
    actor("ingot-maker-us", "Invented ingot maker, U.S.A.", "US", &[Role::Manufacturer, Role::Refiner]),
    actor("target-maker-jp", "Invented target maker, Japan", "JP", &[Role::Manufacturer]),
    actor("fab-tw", "Invented wafer fab, Taiwan", "TW", &[Role::Manufacturer]),
    actor("fab-us", "Invented wafer fab, U.S.A.", "US", &[Role::Manufacturer]),
    actor("scrap-collector-kr", "Invented scrap collector, Korea", "KR", &[Role::Recycler, Role::Trader]),
    actor("recycler-jp", "Invented recycler, Japan", "JP", &[Role::Recycler, Role::Refiner]),
];

/// All of them.
pub(crate) fn everybody() -> impl Iterator<Item = &'static Actor> {
    FOUNDERS.iter().chain(NEWCOMERS.iter())
}
