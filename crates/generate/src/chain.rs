//! The clean story: rounds of mining, refining, splitting, making, using and recycling.

use ore_record::v1::{
    self, CommissionKind, MaterialClass, OutputRole, Process, RecyclingClass, StockLine, Stocktake,
};

use crate::{
    cast::{FABS, MAKERS, MINES, MINES_EACH, RECYCLERS, REFINERS, mine, works},
    teller::{DAY_MS, NB, Sink, Stock, TA, Teller, acceptance, dry, input, output, shipment},
};

/// Days at sea: every two places of the story are less than 12 × 24 h × 60 km/h apart.
const VOYAGE_DAYS: u64 = 12;
/// One whole of a known share.
const WHOLE: u64 = 1 << 60;

/// What the story knows of a lot that was never taken again: share of its tantalum by country of mine, of 2^60.
#[derive(Clone, Debug)]
pub struct Known {
    /// Lot.
    pub lot: String,
    /// Countries and shares.
    pub shares: Vec<(&'static str, u64)>,
}

/// What a story must add up to.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Lots made.
    pub lots: u64,
    /// Records told.
    pub records: u64,
    /// Tantalum mined, picograms.
    pub mined_ta_pg: u128,
    /// Tantalum taken into recycling of used pieces, picograms.
    pub post_consumer_ta_pg: u128,
    /// Tantalum recovered from those, picograms.
    pub recovered_ta_pg: u128,
    /// Lots with their shares: the youngest of each round.
    pub known: Vec<Known>,
}

/// Tells a clean story of at least `lots` lots.
pub fn generate(sink: &mut dyn Sink, seed: u64, lots: u64) -> (Answers, u64) {
    let mut teller = Teller::new(sink, seed);
    let mut story = Story {
        answers: Answers::default(),
        concentrate: vec![Vec::new(); REFINERS],
        metal: vec![Vec::new(); MAKERS],
        scrap: vec![Vec::new(); MAKERS],
        targets: vec![Vec::new(); FABS],
    };
    // About 14 lots a mined one: ten rounds or so, wider for longer stories.
    let width = (lots / 140).clamp(20, 20_000);
    while story.answers.lots < lots {
        story.round(&mut teller, width);
    }
    (story.answers, teller.now_ms)
}

struct Story {
    answers: Answers,
    /// By refiner.
    concentrate: Vec<Vec<Stock>>,
    /// By maker: powder and recycled metal.
    metal: Vec<Vec<Stock>>,
    /// By maker: its own process scrap.
    scrap: Vec<Vec<Stock>>,
    /// By fab.
    targets: Vec<Vec<Stock>>,
}

type Waiting = (usize, [u8; 32], Stock);

impl Story {
    fn round(&mut self, teller: &mut Teller<'_>, width: u64) {
        let mut voyage = Vec::new();
        for _ in 0..width {
            voyage.push(self.mine(teller));
        }
        teller.pass(VOYAGE_DAYS * DAY_MS);
        for (refiner, offer, stock) in voyage {
            let stock = self.arrive(teller, "refiner", refiner, offer, stock);
            self.concentrate[refiner].push(stock);
        }
        teller.pass(DAY_MS);
        let mut voyage = Vec::new();
        for refiner in 0..REFINERS {
            self.refine(teller, refiner, &mut voyage);
            self.stocktake(teller, refiner);
        }
        teller.pass(VOYAGE_DAYS * DAY_MS);
        for (maker, offer, stock) in voyage {
            let stock = self.arrive(teller, "maker", maker, offer, stock);
            self.metal[maker].push(stock);
        }
        teller.pass(DAY_MS);
        let mut voyage = Vec::new();
        for maker in 0..MAKERS {
            self.make(teller, maker, &mut voyage);
            self.run_around(teller, maker);
        }
        teller.pass(VOYAGE_DAYS * DAY_MS);
        for (fab, offer, stock) in voyage {
            let stock = self.arrive(teller, "fab", fab, offer, stock);
            self.targets[fab].push(stock);
        }
        teller.pass(DAY_MS);
        let mut voyage = Vec::new();
        for fab in 0..FABS {
            self.wear(teller, fab, &mut voyage);
        }
        teller.pass(VOYAGE_DAYS * DAY_MS);
        let mut spent = vec![Vec::new(); RECYCLERS];
        for (recycler, offer, stock) in voyage {
            let stock = self.arrive(teller, "recycler", recycler, offer, stock);
            spent[recycler].push(stock);
        }
        teller.pass(DAY_MS);
        let mut voyage = Vec::new();
        for (recycler, spent) in spent.into_iter().enumerate() {
            self.recycle(teller, recycler, spent, &mut voyage);
        }
        teller.pass(VOYAGE_DAYS * DAY_MS);
        for (maker, offer, stock) in voyage {
            let stock = self.arrive(teller, "maker", maker, offer, stock);
            self.metal[maker].push(stock);
        }
        teller.pass(DAY_MS);
        self.remember();
    }

    fn made(&mut self, lots: u64) {
        self.answers.lots += lots;
        self.answers.records += 1;
    }

    fn mine(&mut self, teller: &mut Teller<'_>) -> Waiting {
        let number = teller.dice.between(0, (MINES.len() * MINES_EACH) as u64 - 1) as usize;
        let (author, place, country) = mine(number);
        let mut shares = [0; MINES.len()];
        shares[number % MINES.len()] = WHOLE;
        let stock = Stock {
            lot: format!("{author}/C-{}", teller.number()),
            dry_mg: teller.dice.between(1_000_000_000, 3_000_000_000),
            ta_ppb: teller.dice.between(250_000, 350_000) as u32 * 1_000,
            nb_ppb: teller.dice.between(50_000, 150_000) as u32 * 1_000,
            shares,
        };
        let mut lot = teller.lot(&author, &place, &stock, MaterialClass::Concentrate);
        lot.origin_country = country.to_owned();
        lot.tags = vec![format!("TAG-{}", teller.number())];
        let kind = CommissionKind::Extracted.into();
        teller.say(&author, v1::Commission { kind, lot: Some(lot), ..v1::Commission::default() });
        self.made(1);
        self.answers.mined_ta_pg += stock.ta_pg();
        let refiner = teller.dice.between(0, REFINERS as u64 - 1) as usize;
        let offer = self.send(teller, (&author, &place), ("refiner", refiner), &stock);
        (refiner, offer, stock)
    }

    fn send(
        &mut self,
        teller: &mut Teller<'_>,
        from: (&str, &str),
        (kind, number): (&str, usize),
        stock: &Stock,
    ) -> [u8; 32] {
        let (receiver, to) = works(kind, number);
        let mut ship = shipment(&[(&stock.lot, stock.dry_mg)], from.1, (&receiver, &to));
        if teller.dice.between(0, 7) == 0 {
            ship.lots[0].seals = vec![format!("SEAL-{}", teller.number())];
        }
        self.made(0);
        teller.say(from.0, ship)
    }

    /// Up to a thousandth is missing at receipt.
    fn arrive(
        &mut self,
        teller: &mut Teller<'_>,
        kind: &str,
        number: usize,
        offer: [u8; 32],
        mut stock: Stock,
    ) -> Stock {
        let (receiver, place) = works(kind, number);
        stock.dry_mg -= stock.dry_mg / 1_000_000 * teller.dice.between(0, 1_000);
        teller.say(&receiver, acceptance(offer, &[(&stock.lot, stock.dry_mg)], &place));
        self.made(0);
        stock
    }

    /// One to four lots a campaign; a quarter of the stock stays for later.
    fn campaigns(teller: &mut Teller<'_>, stock: &mut Vec<Stock>) -> Vec<Vec<Stock>> {
        let keep = stock.len() / 4;
        let mut campaigns = Vec::new();
        while stock.len() > keep {
            let size = teller.dice.between(1, 4).min((stock.len() - keep) as u64);
            let mut campaign = Vec::new();
            for _ in 0..size {
                let at = teller.dice.between(0, stock.len() as u64 - 1) as usize;
                campaign.push(stock.swap_remove(at));
            }
            campaigns.push(campaign);
        }
        campaigns
    }

    fn refine(&mut self, teller: &mut Teller<'_>, refiner: usize, voyage: &mut Vec<Waiting>) {
        let (author, place) = works("refiner", refiner);
        let mut stock = std::mem::take(&mut self.concentrate[refiner]);
        for campaign in Self::campaigns(teller, &mut stock) {
            let shares = mix(&campaign);
            let ta: u128 = campaign.iter().map(Stock::ta_pg).sum();
            let nb: u128 = campaign.iter().map(Stock::nb_pg).sum();
            let total: u64 = campaign.iter().map(|stock| stock.dry_mg).sum();
            // 95.5 to 96.4 % of the tantalum in powder, 90 % of the niobium in oxide, the rest in slag and fume.
            let yield_ppm = u128::from(teller.dice.between(955_000, 964_000));
            let powder = Stock {
                lot: format!("{author}/P-{}", teller.number()),
                dry_mg: (ta / 1_000_000 * yield_ppm / 998_000_000) as u64,
                ta_ppb: 998_000_000,
                nb_ppb: 0,
                shares,
            };
            let oxide = Stock {
                lot: format!("{author}/N-{}", teller.number()),
                dry_mg: (nb / 1_000_000 * 900_000 / 690_000_000) as u64,
                ta_ppb: 0,
                nb_ppb: 690_000_000,
                shares,
            };
            let slag_mg = total - powder.dry_mg - oxide.dry_mg - total / 20;
            let slag = Stock {
                lot: format!("{author}/S-{}", teller.number()),
                dry_mg: slag_mg,
                ta_ppb: ((ta - powder.ta_pg()) / 2 / u128::from(slag_mg)) as u32,
                nb_ppb: ((nb - oxide.nb_pg()) / 2 / u128::from(slag_mg)) as u32,
                shares,
            };
            let loss = |element: u32, pg: u128| v1::Loss {
                element,
                mg: (pg / 1_000_000_000) as u64,
                reason: "fume".to_owned(),
            };
            let outputs = vec![
                output(
                    teller.lot(&author, &place, &powder, MaterialClass::Intermediate),
                    OutputRole::Product,
                ),
                output(
                    teller.lot(&author, &place, &oxide, MaterialClass::Intermediate),
                    OutputRole::ByProduct,
                ),
                output(teller.lot(&author, &place, &slag, MaterialClass::Residue), OutputRole::Residue),
            ];
            let inputs = campaign.iter().map(|stock| input(&stock.lot, stock.dry_mg)).collect();
            let losses = vec![
                loss(NB, nb - oxide.nb_pg() - slag.nb_pg()),
                loss(TA, ta - powder.ta_pg() - slag.ta_pg()),
            ];
            let process = Process::Refining.into();
            let facility = place.clone();
            teller.say(
                &author,
                v1::Transform { process, facility, inputs, outputs, losses, ..v1::Transform::default() },
            );
            self.made(3);
            self.split(teller, (&author, &place), &powder, voyage);
        }
        self.concentrate[refiner] = stock;
    }

    fn split(
        &mut self,
        teller: &mut Teller<'_>,
        (author, place): (&str, &str),
        stock: &Stock,
        voyage: &mut Vec<Waiting>,
    ) {
        let first = stock.dry_mg / 100 * teller.dice.between(30, 70) + teller.dice.between(0, 999);
        let mut parts = Vec::new();
        for dry_mg in [first, stock.dry_mg - first] {
            parts.push(Stock { lot: format!("{author}/Q-{}", teller.number()), dry_mg, ..stock.clone() });
        }
        let outputs = parts
            .iter()
            .map(|part| {
                output(teller.lot(author, place, part, MaterialClass::Intermediate), OutputRole::Product)
            })
            .collect();
        let inputs = vec![input(&stock.lot, stock.dry_mg)];
        let facility = place.to_owned();
        let process = Process::Splitting.into();
        teller.say(author, v1::Transform { process, facility, inputs, outputs, ..v1::Transform::default() });
        self.made(2);
        for part in parts {
            let maker = teller.dice.between(0, MAKERS as u64 - 1) as usize;
            let offer = self.send(teller, (author, place), ("maker", maker), &part);
            voyage.push((maker, offer, part));
        }
    }

    /// Counted concentrate: up to a thousandth beside the books, never exact.
    fn stocktake(&mut self, teller: &mut Teller<'_>, refiner: usize) {
        let (author, place) = works("refiner", refiner);
        let book: u64 = self.concentrate[refiner].iter().map(|stock| stock.dry_mg).sum();
        if book == 0 {
            return;
        }
        let mg = book - book / 1_000_000 * teller.dice.between(1, 1_000);
        let line = StockLine { material: MaterialClass::Concentrate.into(), element: 0, mg };
        let period_start_ms = teller.now_ms.saturating_sub(30 * DAY_MS);
        teller.say(&author, Stocktake { facility: place, period_start_ms, lines: vec![line] });
        self.made(0);
    }

    fn make(&mut self, teller: &mut Teller<'_>, maker: usize, voyage: &mut Vec<Waiting>) {
        let (author, place) = works("maker", maker);
        let mut stock = std::mem::take(&mut self.metal[maker]);
        for campaign in Self::campaigns(teller, &mut stock) {
            let shares = mix(&campaign);
            let total: u64 = campaign.iter().map(|stock| stock.dry_mg).sum();
            let ta: u128 = campaign.iter().map(Stock::ta_pg).sum();
            let ta_ppb = (ta / u128::from(total)) as u32;
            let stock_of = |lot: String, dry_mg: u64| Stock { lot, dry_mg, ta_ppb, nb_ppb: 0, shares };
            let target_mg = total / 1_000 * teller.dice.between(800, 900);
            let target = stock_of(format!("{author}/T-{}", teller.number()), target_mg);
            let device = stock_of(format!("{author}/D-{}", teller.number()), total / 100);
            let scrap_mg = total - target.dry_mg - device.dry_mg - total / 200;
            let scrap = stock_of(format!("{author}/X-{}", teller.number()), scrap_mg);
            let mut item = teller.lot(&author, &place, &target, MaterialClass::SputteringTarget);
            item.serial = format!("SN-{}", teller.number());
            let outputs = vec![
                output(item, OutputRole::Product),
                output(
                    teller.lot(&author, &place, &device, MaterialClass::FinishedProduct),
                    OutputRole::Product,
                ),
                output(teller.lot(&author, &place, &scrap, MaterialClass::Scrap), OutputRole::Residue),
            ];
            let inputs = campaign.iter().map(|stock| input(&stock.lot, stock.dry_mg)).collect();
            let lost = ta - target.ta_pg() - device.ta_pg() - scrap.ta_pg();
            let losses =
                vec![v1::Loss { element: TA, mg: (lost / 1_000_000_000) as u64, reason: "swarf".to_owned() }];
            let process = Process::Sintering.into();
            let facility = place.clone();
            teller.say(
                &author,
                v1::Transform { process, facility, inputs, outputs, losses, ..v1::Transform::default() },
            );
            self.made(3);
            self.scrap[maker].push(scrap);
            if self.answers.known.len() < 1_000 {
                self.know(&device);
            }
            let fab = teller.dice.between(0, FABS as u64 - 1) as usize;
            let offer = self.send(teller, (&author, &place), ("fab", fab), &target);
            voyage.push((fab, offer, target));
        }
        self.metal[maker] = stock;
    }

    fn know(&mut self, stock: &Stock) {
        let shares = MINES.iter().zip(stock.shares).filter(|(_, share)| *share > 0);
        let shares = shares.map(|(mine, share)| (mine.0, share)).collect();
        self.answers.known.push(Known { lot: stock.lot.clone(), shares });
    }

    /// The newest answers of a round stand for it.
    fn remember(&mut self) {
        let most = 200;
        if self.answers.known.len() > most {
            let old = self.answers.known.len() - most;
            self.answers.known.drain(..old);
        }
    }

    fn run_around(&mut self, teller: &mut Teller<'_>, maker: usize) {
        let mut stock = std::mem::take(&mut self.scrap[maker]);
        for campaign in Self::campaigns(teller, &mut stock) {
            let metal = self.melt(teller, works("maker", maker), &campaign, RecyclingClass::Internal);
            self.metal[maker].push(metal);
        }
        self.scrap[maker] = stock;
    }

    /// Half of each target wears away; what is left goes to a recycler.
    fn wear(&mut self, teller: &mut Teller<'_>, fab: usize, voyage: &mut Vec<Waiting>) {
        let (author, place) = works("fab", fab);
        for mut target in std::mem::take(&mut self.targets[fab]) {
            target.dry_mg = target.dry_mg / 1_000 * teller.dice.between(400, 600);
            let used = v1::Use {
                item: Some(ore_record::draft::lot(&target.lot)),
                net_mass: Some(dry(target.dry_mg)),
                facility: place.clone(),
            };
            teller.say(&author, used);
            self.made(0);
            let recycler = teller.dice.between(0, RECYCLERS as u64 - 1) as usize;
            let offer = self.send(teller, (&author, &place), ("recycler", recycler), &target);
            voyage.push((recycler, offer, target));
        }
    }

    fn recycle(
        &mut self,
        teller: &mut Teller<'_>,
        recycler: usize,
        mut spent: Vec<Stock>,
        voyage: &mut Vec<Waiting>,
    ) {
        let (author, place) = works("recycler", recycler);
        while !spent.is_empty() {
            let size = teller.dice.between(1, 4).min(spent.len() as u64) as usize;
            let campaign = spent.split_off(spent.len() - size);
            let metal =
                self.melt(teller, (author.clone(), place.clone()), &campaign, RecyclingClass::PostConsumer);
            self.answers.post_consumer_ta_pg += campaign.iter().map(Stock::ta_pg).sum::<u128>();
            self.answers.recovered_ta_pg += metal.ta_pg();
            let maker = teller.dice.between(0, MAKERS as u64 - 1) as usize;
            let offer = self.send(teller, (&author, &place), ("maker", maker), &metal);
            voyage.push((maker, offer, metal));
        }
    }

    fn melt(
        &mut self,
        teller: &mut Teller<'_>,
        (author, place): (String, String),
        campaign: &[Stock],
        class: RecyclingClass,
    ) -> Stock {
        let shares = mix(campaign);
        let ta: u128 = campaign.iter().map(Stock::ta_pg).sum();
        let yield_ppm = u128::from(teller.dice.between(955_000, 964_000));
        let metal = Stock {
            lot: format!("{author}/R-{}", teller.number()),
            dry_mg: (ta / 1_000_000 * yield_ppm / 990_000_000) as u64,
            ta_ppb: 990_000_000,
            nb_ppb: 0,
            shares,
        };
        let lost = ta - metal.ta_pg();
        let outputs =
            vec![output(teller.lot(&author, &place, &metal, MaterialClass::Metal), OutputRole::Product)];
        let inputs = campaign.iter().map(|stock| input(&stock.lot, stock.dry_mg)).collect();
        let losses =
            vec![v1::Loss { element: TA, mg: (lost / 1_000_000_000) as u64, reason: "dross".to_owned() }];
        let process = Process::Recycling.into();
        let recycling_class = class.into();
        teller.say(
            &author,
            v1::Transform {
                process,
                facility: place,
                inputs,
                outputs,
                losses,
                recycling_class,
                ..v1::Transform::default()
            },
        );
        self.made(1);
        metal
    }
}

/// Mean of shares, weighted by contained tantalum.
fn mix(campaign: &[Stock]) -> [u64; MINES.len()] {
    // In micrograms: 64 bits hold a thousand tonnes, and a product with a share 128 bits.
    let weight = |stock: &Stock| stock.ta_pg() / 1_000_000;
    let total: u128 = campaign.iter().map(weight).sum();
    std::array::from_fn(|at| {
        let sum: u128 = campaign.iter().map(|stock| weight(stock) * u128::from(stock.shares[at])).sum();
        (sum / total.max(1)) as u64
    })
}
