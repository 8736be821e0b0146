//! The 118 elements: symbols, atomic numbers, standard atomic weights.
//!
//! Weights: IUPAC Commission on Isotopic Abundances and Atomic Weights, standard atomic weights
//! 2021, abridged where the standard is an interval. In millionths, so that no rule needs
//! floating point; weights with more than six decimals are rounded to six.

/// Highest atomic number.
pub const LAST: u32 = 118;

/// Symbol of an element by atomic number, 1 to 118.
#[must_use]
pub fn symbol(atomic_number: u32) -> Option<&'static str> {
    row(atomic_number).map(|(symbol, _)| *symbol)
}

/// Atomic number of a symbol, written as chemists write it: "Ta", not "TA".
#[must_use]
pub fn atomic_number(symbol: &str) -> Option<u32> {
    ELEMENTS.iter().position(|(known, _)| *known == symbol).map(|at| at as u32 + 1)
}

/// Standard atomic weight in millionths; none for elements without a natural composition.
#[must_use]
pub fn weight_millionths(atomic_number: u32) -> Option<u64> {
    row(atomic_number).map(|(_, weight)| *weight).filter(|weight| *weight != 0)
}

fn row(atomic_number: u32) -> Option<&'static (&'static str, u64)> {
    ELEMENTS.get((atomic_number as usize).checked_sub(1)?)
}

/// In order of atomic number; weight 0 where no standard weight exists.
#[rustfmt::skip]
static ELEMENTS: [(&str, u64); LAST as usize] = [
    ("H", 1_008_000),
    ("He", 4_002_602),
    ("Li", 6_940_000),
    ("Be", 9_012_183),
    ("B", 10_810_000),
    ("C", 12_011_000),
    ("N", 14_007_000),
    ("O", 15_999_000),
    ("F", 18_998_403),
    ("Ne", 20_179_700),
    ("Na", 22_989_769),
    ("Mg", 24_305_000),
    ("Al", 26_981_538),
    ("Si", 28_085_000),
    ("P", 30_973_762),
    ("S", 32_060_000),
    ("Cl", 35_450_000),
    ("Ar", 39_950_000),
    ("K", 39_098_300),
    ("Ca", 40_078_000),
    ("Sc", 44_955_907),
    ("Ti", 47_867_000),
    ("V", 50_941_500),
    ("Cr", 51_996_100),
    ("Mn", 54_938_043),
    ("Fe", 55_845_000),
    ("Co", 58_933_194),
    ("Ni", 58_693_400),
    ("Cu", 63_546_000),
    ("Zn", 65_380_000),
    ("Ga", 69_723_000),
    ("Ge", 72_630_000),
    ("As", 74_921_595),
    ("Se", 78_971_000),
    ("Br", 79_904_000),
    ("Kr", 83_798_000),
    ("Rb", 85_467_800),
    ("Sr", 87_620_000),
    ("Y", 88_905_838),
    ("Zr", 91_224_000),
    ("Nb", 92_906_370),
    ("Mo", 95_950_000),
    ("Tc", 0),
    ("Ru", 101_070_000),
    ("Rh", 102_905_490),
    ("Pd", 106_420_000),
    ("Ag", 107_868_200),
    ("Cd", 112_414_000),
    ("In", 114_818_000),
    ("Sn", 118_710_000),
    ("Sb", 121_760_000),
    ("Te", 127_600_000),
    ("I", 126_904_470),
    ("Xe", 131_293_000),
    ("Cs", 132_905_452),
    ("Ba", 137_327_000),
    ("La", 138_905_470),
    ("Ce", 140_116_000),
    ("Pr", 140_907_660),
    ("Nd", 144_242_000),
    ("Pm", 0),
    ("Sm", 150_360_000),
    ("Eu", 151_964_000),
    ("Gd", 157_250_000),
    ("Tb", 158_925_354),
    ("Dy", 162_500_000),
    ("Ho", 164_930_329),
    ("Er", 167_259_000),
    ("Tm", 168_934_219),
    ("Yb", 173_045_000),
    ("Lu", 174_966_800),
    ("Hf", 178_486_000),
    ("Ta", 180_947_880),
    ("W", 183_840_000),
    ("Re", 186_207_000),
    ("Os", 190_230_000),
    ("Ir", 192_217_000),
    ("Pt", 195_084_000),
    ("Au", 196_966_570),
    ("Hg", 200_592_000),
    ("Tl", 204_380_000),
    ("Pb", 207_200_000),
    ("Bi", 208_980_400),
    ("Po", 0),
    ("At", 0),
    ("Rn", 0),
    ("Fr", 0),
    ("Ra", 0),
    ("Ac", 0),
    ("Th", 232_037_700),
    ("Pa", 231_035_880),
    ("U", 238_028_910),
    ("Np", 0),
    ("Pu", 0),
    ("Am", 0),
    ("Cm", 0),
    ("Bk", 0),
    ("Cf", 0),
    ("Es", 0),
    ("Fm", 0),
    ("Md", 0),
    ("No", 0),
    ("Lr", 0),
    ("Rf", 0),
    ("Db", 0),
    ("Sg", 0),
    ("Bh", 0),
    ("Hs", 0),
    ("Mt", 0),
    ("Ds", 0),
    ("Rg", 0),
    ("Cn", 0),
    ("Nh", 0),
    ("Fl", 0),
    ("Mc", 0),
    ("Lv", 0),
    ("Ts", 0),
    ("Og", 0),
];
