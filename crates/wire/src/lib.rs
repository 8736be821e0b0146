//! Service protos and their translation to and from the domain.
