//! belfry
