//! Instructions whose work outweighs their dispatch: see [`crate::exec::work`].

use crate::exec::fast::regs::handler;
use crate::exec::work::Work;
use crate::trap::DONE;

handler! {
    /// Operands from slot `field 0` on; the function in word 2, immediates in words 3 and 4.
    fn slow(mut r) {
        let work: Work = core::mem::transmute::<usize, Work>(r.word(2) as usize);
        let ctx = r.ctx;
        ((*ctx).at_ip, (*ctx).at_sp) = (r.ip.add(5), r.sp);
        let outcome = work((*ctx).machine, (*ctx).instance, r.slot(0), r.word(3), r.word(4));
        if outcome != DONE {
            return r.trap_with(outcome);
        }
        (r.mem, r.len) = (*r.ctx).memory();
        r.next(5)
    }
}
