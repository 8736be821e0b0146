//! The standard vocabularies of CBV 2.0, and the spellings that a word of them has.

/// One of CBV's standard vocabularies, or of the sensor vocabularies of the GS1 Web Vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vocabulary {
    BizStep,
    Disposition,
    TransactionType,
    SourceDestination,
    ErrorReason,
    Measurement,
    Alert,
    Component,
}

impl Vocabulary {
    /// Its words.
    pub(crate) const fn words(self) -> &'static [&'static str] {
        match self {
            Self::BizStep => BIZ_STEPS,
            Self::Disposition => DISPOSITIONS,
            Self::TransactionType => TRANSACTION_TYPES,
            Self::SourceDestination => &["owning_party", "possessing_party", "location"],
            Self::ErrorReason => &["did_not_occur", "incorrect_data"],
            Self::Measurement => MEASUREMENTS,
            Self::Alert => &["ALARM_CONDITION", "ERROR_CONDITION"],
            Self::Component => COMPONENTS,
        }
    }

    /// What stands before a word in the GS1 web vocabularies.
    pub(crate) const fn base(self) -> &'static str {
        match self {
            Self::BizStep => "https://ref.gs1.org/cbv/BizStep-",
            Self::Disposition => "https://ref.gs1.org/cbv/Disp-",
            Self::TransactionType => "https://ref.gs1.org/cbv/BTT-",
            Self::SourceDestination => "https://ref.gs1.org/cbv/SDT-",
            Self::ErrorReason => "https://ref.gs1.org/cbv/ER-",
            Self::Measurement | Self::Alert => "https://gs1.org/voc/",
            Self::Component => "https://ref.gs1.org/cbv/Comp-",
        }
    }

    /// Everything else that stands before a word: the URNs of CBV 1.x, and compact names in XML.
    const fn spellings(self) -> &'static [&'static str] {
        match self {
            Self::BizStep => &["urn:epcglobal:cbv:bizstep:", "cbv:BizStep-"],
            Self::Disposition => &["urn:epcglobal:cbv:disp:", "cbv:Disp-"],
            Self::TransactionType => &["urn:epcglobal:cbv:btt:", "cbv:BTT-"],
            Self::SourceDestination => &["urn:epcglobal:cbv:sdt:", "cbv:SDT-"],
            Self::ErrorReason => &["urn:epcglobal:cbv:er:", "cbv:ER-"],
            Self::Measurement | Self::Alert => &["gs1:"],
            Self::Component => &["cbv:Comp-"],
        }
    }

    /// The bare word behind any spelling; text that is no spelling of a word stays as it is.
    pub(crate) fn bare(self, text: &str) -> &str {
        let known = std::iter::once(self.base()).chain(self.spellings().iter().copied());
        known.filter_map(|prefix| text.strip_prefix(prefix)).find(|word| !word.is_empty()).unwrap_or(text)
    }

    /// As JSON writes it: a known word bare, an unknown one of the same namespace by its full URI.
    pub(crate) fn in_json(self, text: &str) -> String {
        let bare = self.bare(text);
        if bare == text || self.words().contains(&bare) {
            bare.into()
        } else {
            format!("{}{bare}", self.base())
        }
    }

    /// The full URI of a bare word; anything else stays as it is.
    pub(crate) fn full(self, text: &str) -> String {
        let bare = self.bare(text);
        if bare != text || self.words().contains(&text) {
            format!("{}{bare}", self.base())
        } else {
            text.into()
        }
    }
}

#[rustfmt::skip]
const BIZ_STEPS: &[&str] = &[
    "accepting", "arriving", "assembling", "collecting", "commissioning", "consigning", "creating_class_instance",
    "cycle_counting", "decommissioning", "departing", "destroying", "disassembling", "dispensing", "encoding",
    "entering_exiting", "holding", "inspecting", "installing", "killing", "loading", "other", "packing", "picking",
    "receiving", "removing", "repackaging", "repairing", "replacing", "reserving", "retail_selling", "shipping",
    "staging_outbound", "stock_taking", "stocking", "storing", "transporting", "unloading", "unpacking",
    "void_shipping", "sensor_reporting", "sampling",
];

#[rustfmt::skip]
const DISPOSITIONS: &[&str] = &[
    "active", "container_closed", "damaged", "destroyed", "dispensed", "disposed", "encoded", "expired",
    "in_progress", "in_transit", "inactive", "no_pedigree_match", "non_sellable_other", "partially_dispensed",
    "recalled", "reserved", "retail_sold", "returned", "sellable_accessible", "sellable_not_accessible", "stolen",
    "unknown", "available", "completeness_verified", "completeness_inferred", "conformant", "container_open",
    "mismatch_instance", "mismatch_class", "mismatch_quantity", "needs_replacement", "non_conformant", "unavailable",
];

#[rustfmt::skip]
const TRANSACTION_TYPES: &[&str] = &[
    "bol", "cert", "desadv", "inv", "pedigree", "po", "poc", "prodorder", "recadv", "rma", "testprd", "testres",
    "upevt",
];

#[rustfmt::skip]
const MEASUREMENTS: &[&str] = &[
    "AbsoluteHumidity", "AbsorbedDose", "AbsorbedDoseRate", "Acceleration", "Radioactivity", "Altitude",
    "AmountOfSubstance", "AmountOfSubstancePerUnitVolume", "Angle", "AngularAcceleration", "AngularMomentum",
    "AngularVelocity", "Area", "Capacitance", "Conductance", "Conductivity", "Count", "Density", "Dimensionless",
    "DoseEquivalent", "DoseEquivalentRate", "DynamicViscosity", "ElectricCharge", "ElectricCurrent",
    "ElectricCurrentDensity", "ElectricFieldStrength", "Energy", "Exposure", "Force", "Frequency", "Illuminance",
    "Inductance", "Irradiance", "KinematicViscosity", "Length", "LinearMomentum", "Luminance", "LuminousFlux",
    "LuminousIntensity", "MagneticFlux", "MagneticFluxDensity", "MagneticVectorPotential", "Mass",
    "MassConcentration", "MassFlowRate", "MassPerAreaTime", "MemoryCapacity", "MolalityOfSolute", "MolarEnergy",
    "MolarMass", "MolarVolume", "Power", "Pressure", "RadiantFlux", "RadiantIntensity", "RelativeHumidity",
    "Resistance", "Resistivity", "SolidAngle", "SpecificVolume", "Speed", "SurfaceDensity", "SurfaceTension",
    "Temperature", "Time", "Torque", "Voltage", "Volume", "VolumeFlowRate", "VolumeFraction", "VolumetricFlux",
    "Wavenumber",
];

#[rustfmt::skip]
const COMPONENTS: &[&str] = &[
    "x", "y", "z", "axial_distance", "azimuth", "height", "spherical_radius", "polar_angle", "elevation_angle",
    "easting", "northing", "latitude", "longitude", "altitude",
];
