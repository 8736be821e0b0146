// The 118 elements, and how much of one is in an oxide.
//
// Weights: IUPAC Commission on Isotopic Abundances and Atomic Weights, standard atomic weights 2021,
// abridged where the standard is an interval, rounded to six decimals; none where no standard exists.
// A factor is the mass fraction of the element in its oxide, rounded half up to a part per billion.

const ELEMENTS = `
H 1.008, He 4.002602, Li 6.94, Be 9.012183, B 10.81, C 12.011, N 14.007, O 15.999, F 18.998403, Ne 20.1797,
Na 22.989769, Mg 24.305, Al 26.981538, Si 28.085, P 30.973762, S 32.06, Cl 35.45, Ar 39.95, K 39.0983,
Ca 40.078, Sc 44.955907, Ti 47.867, V 50.9415, Cr 51.9961, Mn 54.938043, Fe 55.845, Co 58.933194,
Ni 58.6934, Cu 63.546, Zn 65.38, Ga 69.723, Ge 72.63, As 74.921595, Se 78.971, Br 79.904, Kr 83.798,
Rb 85.4678, Sr 87.62, Y 88.905838, Zr 91.224, Nb 92.90637, Mo 95.95, Tc, Ru 101.07, Rh 102.90549,
Pd 106.42, Ag 107.8682, Cd 112.414, In 114.818, Sn 118.71, Sb 121.76, Te 127.6, I 126.90447, Xe 131.293,
Cs 132.905452, Ba 137.327, La 138.90547, Ce 140.116, Pr 140.90766, Nd 144.242, Pm, Sm 150.36, Eu 151.964,
Gd 157.25, Tb 158.925354, Dy 162.5, Ho 164.930329, Er 167.259, Tm 168.934219, Yb 173.045, Lu 174.9668,
Hf 178.486, Ta 180.94788, W 183.84, Re 186.207, Os 190.23, Ir 192.217, Pt 195.084, Au 196.96657,
Hg 200.592, Tl 204.38, Pb 207.2, Bi 208.9804, Po, At, Rn, Fr, Ra, Ac, Th 232.0377, Pa 231.03588,
U 238.02891, Np, Pu, Am, Cm, Bk, Cf, Es, Fm, Md, No, Lr, Rf, Db, Sg, Bh, Hs, Mt, Ds, Rg, Cn, Nh, Fl, Mc,
Lv, Ts, Og
`.trim().split(/,\s+/).map((row) => row.split(" "));

/** Oxides that compositions may name; the element comes first in every formula. */
const OXIDES = new Set(`
Ta2O5 Nb2O5 WO3 WO2 MoO3 SnO2 SnO ZrO2 HfO2 TiO2 In2O3 CoO Co3O4 Li2O Ga2O3 GeO2 Sc2O3 Y2O3 La2O3 Ce2O3
CeO2 Pr2O3 Pr6O11 Nd2O3 Sm2O3 Eu2O3 Gd2O3 Tb2O3 Tb4O7 Dy2O3 Ho2O3 Er2O3 Tm2O3 Yb2O3 Lu2O3 U3O8 UO2 UO3 ThO2
Al2O3 Fe2O3 Fe3O4 FeO SiO2 MgO CaO MnO MnO2 Mn3O4 Na2O K2O Rb2O Cs2O BeO BaO SrO P2O5 SO3 B2O3 V2O5 Cr2O3
NiO CuO Cu2O ZnO PbO Bi2O3 As2O3 Sb2O3 Sb2O5 TeO2 SeO2 Re2O7 CdO Ag2O
`.trim().split(/\s+/));

/** Parts per billion in a whole. */
export const PPB = 1000000000n;

/** Symbol of an element by atomic number, or undefined. */
export function symbolOf(number) {
  return ELEMENTS[number - 1]?.[0];
}

/** Standard atomic weight in millionths. */
function weightOf(symbol) {
  const [, weight] = ELEMENTS.find(([known]) => known === symbol);
  const [whole, decimals = ""] = weight.split(".");
  return BigInt(whole + decimals.padEnd(6, "0"));
}

/** Element and its mass fraction in ppb of an oxide of the table, or null. */
export function oxide(formula) {
  if (!OXIDES.has(formula)) return null;
  const [[, element, count], [, , oxygens]] = formula.matchAll(/([A-Z][a-z]?)(\d*)/g);
  const metal = weightOf(element) * BigInt(count || 1);
  const whole = metal + weightOf("O") * BigInt(oxygens || 1);
  const number = ELEMENTS.findIndex(([symbol]) => symbol === element) + 1;
  return { element: number, factor: rounded(metal * PPB, whole) };
}

/** All oxides of the table. */
export function oxides() {
  return [...OXIDES];
}

/** Nearest integer to a ratio, halves up. */
export function rounded(value, over) {
  return (value + over / 2n) / over;
}
