//! A stored tournament is the same when it is read again. Stored means: by a format as narrow as JSON, where
//! only texts can be keys; a small one stands here, since this crate knows no real one.

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};
use serde::ser::{self, Serialize};

/// A value of the format.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(String, Value)>),
}

type Fault = de::value::Error;

/// Writes a value and reads it back.
pub(super) fn round_trip<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let stored = value.serialize(Writer).expect("it can be stored");
    T::deserialize(stored).expect("it can be read")
}

struct Writer;

/// A list, a structure or a map that is being written, and the name of its variant.
#[derive(Default)]
struct Parts {
    variant: Option<&'static str>,
    list: Vec<Value>,
    map: Vec<(String, Value)>,
    key: Option<String>,
    is_map: bool,
}

impl Parts {
    fn new(variant: Option<&'static str>, is_map: bool) -> Self {
        Self { variant, is_map, ..Self::default() }
    }

    fn finish(self) -> Value {
        let value = if self.is_map { Value::Map(self.map) } else { Value::List(self.list) };
        match self.variant {
            Some(name) => Value::Map(vec![(name.to_owned(), value)]),
            None => value,
        }
    }
}

macro_rules! write_numbers {
    ($($name:ident($kind:ty) => $variant:ident),*) => {$(
        fn $name(self, value: $kind) -> Result<Value, Fault> {
            Ok(Value::$variant(value.into()))
        }
    )*};
}

impl ser::Serializer for Writer {
    type Ok = Value;
    type Error = Fault;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    write_numbers!(
        serialize_bool(bool) => Bool, serialize_u8(u8) => Unsigned, serialize_u16(u16) => Unsigned,
        serialize_u32(u32) => Unsigned, serialize_u64(u64) => Unsigned, serialize_i8(i8) => Signed,
        serialize_i16(i16) => Signed, serialize_i32(i32) => Signed, serialize_i64(i64) => Signed,
        serialize_char(char) => Text, serialize_str(&str) => Text
    );

    fn serialize_f32(self, _: f32) -> Result<Value, Fault> {
        Err(de::Error::custom("integers only"))
    }
    fn serialize_f64(self, _: f64) -> Result<Value, Fault> {
        Err(de::Error::custom("integers only"))
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<Value, Fault> {
        Err(de::Error::custom("no bytes"))
    }
    fn serialize_none(self) -> Result<Value, Fault> {
        Ok(Value::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Fault> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Value, Fault> {
        Ok(Value::Null)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Fault> {
        Ok(Value::Null)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<Value, Fault> {
        Ok(Value::Text(name.to_owned()))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, Fault> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<Value, Fault> {
        Ok(Value::Map(vec![(name.to_owned(), value.serialize(self)?)]))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, Fault> {
        Ok(Parts::new(None, false))
    }
    fn serialize_tuple(self, _: usize) -> Result<Parts, Fault> {
        Ok(Parts::new(None, false))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts, Fault> {
        Ok(Parts::new(None, false))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Parts, Fault> {
        Ok(Parts::new(Some(name), false))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Parts, Fault> {
        Ok(Parts::new(None, true))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts, Fault> {
        Ok(Parts::new(None, true))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Parts, Fault> {
        Ok(Parts::new(Some(name), true))
    }
}

macro_rules! write_parts {
    ($($kind:ident::$name:ident),*) => {$(
        impl ser::$kind for Parts {
            type Ok = Value;
            type Error = Fault;

            fn $name<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.list.push(value.serialize(Writer)?);
                Ok(())
            }

            fn end(self) -> Result<Value, Fault> {
                Ok(self.finish())
            }
        }
    )*};
}

write_parts!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! write_fields {
    ($($kind:ident),*) => {$(
        impl ser::$kind for Parts {
            type Ok = Value;
            type Error = Fault;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Fault> {
                self.map.push((name.to_owned(), value.serialize(Writer)?));
                Ok(())
            }

            fn end(self) -> Result<Value, Fault> {
                Ok(self.finish())
            }
        }
    )*};
}

write_fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Parts {
    type Ok = Value;
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        let Value::Text(key) = key.serialize(Writer)? else {
            return Err(de::Error::custom("a key must be a text"));
        };
        self.key = Some(key);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let key = self.key.take().ok_or_else(|| de::Error::custom("a value without a key"))?;
        self.map.push((key, value.serialize(Writer)?));
        Ok(())
    }

    fn end(self) -> Result<Value, Fault> {
        Ok(self.finish())
    }
}

impl IntoDeserializer<'_, Fault> for Value {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for Value {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Unsigned(value) => visitor.visit_u64(value),
            Self::Signed(value) => visitor.visit_i64(value),
            Self::Text(text) => visitor.visit_string(text),
            Self::List(values) => visitor.visit_seq(SeqDeserializer::new(values.into_iter())),
            Self::Map(entries) => visitor.visit_map(MapDeserializer::new(entries.into_iter())),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self == Self::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self {
            Self::Text(name) => visitor.visit_enum(name.into_deserializer()),
            Self::Map(entries) => {
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(entries.into_iter())))
            }
            _ => Err(de::Error::custom("a variant must be a text or a map")),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}
