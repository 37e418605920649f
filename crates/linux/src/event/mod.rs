//! Files that stand for events: counters, timers, signals, processes, and sets of files to
//! wait for (`eventfd(2)`, `timerfd_create(2)`, `signalfd(2)`, `epoll(7)`).

pub mod epoll;
pub mod eventfd;
pub mod select;
pub mod signalfd;
pub mod timerfd;
