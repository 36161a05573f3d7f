//! A model of the account, and steps to try a catalog against it: at every moment each event of a planned batch is
//! delivered, dead, filtered, under way or on its way again, and in one of these only.
#![allow(clippy::expect_used)] // A panic is how a test fails.

use std::collections::BTreeMap;

use crate::catalog::{
    AccountKey, Catalog, CatalogError, DeadLetter, DeadLetterFilter, Plan, Resent, Settlement,
};
use crate::event::Offset;
use crate::streams::Streams;
use crate::testkit::catalog::samples::{again, key, letter, opening, plan};

const ATTEMPTS_MAX: usize = 1_000;

/// Something to ask of the catalog. Numbers pick among what is there, so every step is possible at any time.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Plan two batches of these sizes.
    Plan([u8; 2]),
    /// Settle one of the batches: this part of a hundred refused, and this part duplicates.
    Settle(u8, u8, u8),
    /// Send one letter again.
    ResendOne(u8),
    /// Send all letters of the sink again.
    ResendAll,
    /// Settle the first letters on their way: each bit of the number is one letter refused.
    SettleResent(u8),
    /// Delete a letter.
    Delete(u8),
    /// Have the account count its streams anew.
    Claim,
    /// Make the request of the step before once more.
    Repeat,
}

impl Step {
    /// The step that a random number stands for; smaller numbers are simpler steps.
    pub fn of(number: u64) -> (usize, Self) {
        let [kind, a, b, c, sink, ..] = number.to_le_bytes();
        let step = match kind % 9 {
            0 | 1 => Self::Plan([a % 20 + 1, b % 20 + 1]),
            2 | 3 => Self::Settle(a, b % 101, c % 101),
            4 => Self::ResendOne(a),
            5 => Self::ResendAll,
            6 => Self::SettleResent(a),
            7 => Self::Claim,
            _ => {
                if b < 128 {
                    Self::Repeat
                } else {
                    Self::Delete(a)
                }
            }
        };
        (usize::from(sink) % 2, step)
    }
}

/// One request, kept so that it can be made again.
#[derive(Clone)]
enum Request {
    Plan(Vec<Plan>),
    Settle(Settlement),
    Resend(DeadLetterFilter, Option<i64>),
    SettleResent(AccountKey, Vec<Resent>),
    Delete(i64),
    Claim(AccountKey, u64),
}

#[derive(Default)]
struct Tally {
    planned: u64,
    /// How much was planned when the account was last counted anew.
    claimed: Option<u64>,
    delivered: u64,
    duplicates: u64,
    /// In the dead letters, or deleted from them.
    dead: u64,
    plans: Vec<Plan>,
    letters: BTreeMap<i64, DeadLetter>,
    waiting: BTreeMap<i64, DeadLetter>,
}

/// Takes the steps, and after each compares the catalog with the model. Answers that are lost are asked for again.
pub async fn hold_the_account<C: Catalog>(catalog: &C, steps: &[(usize, Step)]) {
    let keys = [key("a"), key("b")];
    let mut tallies = [Tally::default(), Tally::default()];
    let mut letters_made = 0;
    let mut last = None;
    for key in &keys {
        surely(async || catalog.open_account(key, &opening(0)).await).await;
    }
    for &(sink, step) in steps {
        let request = match step {
            Step::Repeat => last.clone(),
            _ => tallies[sink].take(&keys[sink], step, &mut letters_made),
        };
        let Some(request) = request else { continue };
        make(catalog, &request).await;
        for (key, tally) in keys.iter().zip(&tallies) {
            tally.compare(catalog, key).await;
        }
        // A resend or a claim repeated later is a new wish, not a lost answer; all others may be repeated at any time.
        last = (!matches!(request, Request::Resend(..) | Request::Claim(..))).then_some(request);
    }
}

impl Tally {
    /// Applies the step to the model and gives the request for it; `None` where there is nothing to do it to.
    fn take(&mut self, key: &AccountKey, step: Step, letters_made: &mut i64) -> Option<Request> {
        match step {
            Step::Plan(sizes) => Some(self.plan(key, sizes)),
            Step::Settle(pick, refused, duplicates) => {
                let index = usize::from(pick).checked_rem(self.plans.len())?;
                let plan = self.plans.remove(index);
                Some(self.settle(plan, u64::from(refused), u64::from(duplicates), letters_made))
            }
            Step::ResendOne(pick) => {
                let index = usize::from(pick).checked_rem(self.letters.len())?;
                let id = *self.letters.keys().nth(index)?;
                self.resend(|letter| letter.id == id);
                Some(Request::Resend(DeadLetterFilter::default(), Some(id)))
            }
            Step::ResendAll => {
                self.resend(|_| true);
                let sink = Some(key.sink.to_string());
                Some(Request::Resend(DeadLetterFilter { sink, ..DeadLetterFilter::default() }, None))
            }
            Step::SettleResent(refused) => Some(self.settle_resent(key, refused)),
            Step::Delete(pick) => {
                let index = usize::from(pick).checked_rem(self.letters.len())?;
                let id = *self.letters.keys().nth(index)?;
                self.letters.remove(&id);
                Some(Request::Delete(id))
            }
            Step::Claim => {
                self.claimed = Some(self.planned);
                let under_way = self.plans.iter().map(|plan| plan.end.0 - plan.first.0).sum();
                Some(Request::Claim(key.clone(), under_way))
            }
            Step::Repeat => None,
        }
    }

    fn plan(&mut self, key: &AccountKey, sizes: [u8; 2]) -> Request {
        let mut plans = Vec::new();
        for size in sizes {
            let end = self.planned + u64::from(size);
            plans.push(plan(key, self.planned, end));
            self.planned = end;
        }
        self.plans.extend_from_slice(&plans);
        Request::Plan(plans)
    }

    fn settle(&mut self, plan: Plan, refused: u64, duplicates: u64, letters_made: &mut i64) -> Request {
        let events = plan.end.0 - plan.first.0;
        let dead_events = events * refused / 100;
        let delivered = events - dead_events;
        let duplicates = delivered * duplicates / 100;
        let mut dead = Vec::new();
        let mut left = dead_events;
        while left > 0 {
            *letters_made += 1;
            let mut letter = letter(&plan.key, *letters_made);
            // Every third stands for more than one event, every fifth has lost its bytes.
            letter.count = if *letters_made % 3 == 0 { left.min(4) } else { 1 };
            letter.record = letter.record.filter(|_| *letters_made % 5 != 0);
            left -= letter.count;
            self.letters.insert(letter.id, letter.clone());
            dead.push(letter);
        }
        self.delivered += delivered;
        self.duplicates += duplicates;
        self.dead += dead_events;
        Request::Settle(Settlement { plan, delivered, duplicates, filtered: 0, dead })
    }

    fn resend(&mut self, meant: impl Fn(&DeadLetter) -> bool) {
        let goes = |letter: &DeadLetter| meant(letter) && letter.record.is_some();
        let taken: Vec<_> = self.letters.extract_if(.., |_, letter| goes(letter)).collect();
        self.dead -= taken.iter().map(|(_, letter)| letter.count).sum::<u64>();
        self.waiting.extend(taken);
    }

    fn settle_resent(&mut self, key: &AccountKey, refused: u8) -> Request {
        let mut outcomes = Vec::new();
        for bit in 0..8 {
            let Some((id, letter)) = self.waiting.pop_first() else { break };
            if refused & (1 << bit) == 0 {
                let duplicate = id % 2 == 0;
                self.delivered += letter.count;
                self.duplicates += if duplicate { letter.count } else { 0 };
                outcomes.push(Resent::Delivered { id, count: letter.count, duplicate });
            } else {
                let letter = again(&letter);
                self.dead += letter.count;
                outcomes.push(Resent::Refused(letter.clone()));
                self.letters.insert(id, letter);
            }
        }
        Request::SettleResent(key.clone(), outcomes)
    }

    async fn compare<C: Catalog>(&self, catalog: &C, key: &AccountKey) {
        let accounts = surely(async || catalog.accounts().await).await;
        let account = accounts.into_iter().find(|account| account.key == *key).expect("the account is open");
        let expected = (Offset(self.planned), self.delivered, self.duplicates, self.dead);
        assert_eq!((account.planned, account.delivered, account.duplicates, account.dead), expected);

        assert_eq!(account.claim.map(|claim| claim.carried), self.claimed);

        let mut unsettled = surely(async || catalog.unsettled(key).await).await;
        let under_way: u64 = unsettled.iter().map(|plan| plan.end.0 - plan.first.0).sum();
        let again = surely(async || catalog.resending(key, usize::MAX).await).await;
        let on_their_way: u64 = again.iter().map(|letter| letter.count).sum();
        let settled = account.delivered + account.dead + account.filtered;
        assert_eq!(settled + under_way + on_their_way, account.planned.0 - account.opening.from.0);

        let mut plans = self.plans.clone();
        plans.sort_by_key(|plan| plan.first);
        unsettled.sort_by_key(|plan| plan.first);
        assert_eq!(unsettled, plans);
        assert!(again.iter().eq(self.waiting.values()));
        let filter = DeadLetterFilter { sink: Some(key.sink.to_string()), ..DeadLetterFilter::default() };
        let dead = surely(async || catalog.dead_letters(&filter, None, usize::MAX).await).await;
        assert!(dead.iter().eq(self.letters.values().rev()));
    }
}

async fn make<C: Catalog>(catalog: &C, request: &Request) {
    match request {
        Request::Plan(plans) => surely(async || catalog.plan(plans).await).await,
        Request::Settle(settlement) => surely(async || catalog.settle(settlement).await).await,
        Request::Resend(filter, id) => {
            surely(async || catalog.resend(filter, *id).await).await;
        }
        Request::SettleResent(key, outcomes) => {
            surely(async || catalog.settle_resent(key, outcomes).await).await;
        }
        Request::Delete(id) => {
            surely(async || catalog.delete_dead_letter(*id).await).await;
        }
        Request::Claim(key, under_way) => {
            let before = BTreeMap::new();
            surely(async || catalog.claim(key, &Streams::All, &before, *under_way).await).await;
        }
    }
}

/// Asks until the catalog says that it is done.
async fn surely<T>(call: impl AsyncFn() -> Result<T, CatalogError>) -> T {
    for _ in 0..ATTEMPTS_MAX {
        match call().await {
            Ok(answer) => return answer,
            Err(CatalogError::Retry(_)) => {}
            Err(error) => panic!("a valid request was refused: {error}"),
        }
    }
    panic!("no answer in {ATTEMPTS_MAX} attempts")
}
