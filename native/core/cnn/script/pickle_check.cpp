#include "core/cnn/script/pickle_check.h"

#include "core/runtime/error.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace cumulens {
namespace {

/// Values are taken apart by recursion, so their depth is bounded: two for each level of modules.
constexpr int kMaxNesting = 512;
/// Values within one that is no object; a few that hold one another twice can stand for more than any walk comes through.
constexpr int64_t kMaxParts = 1'000'000;
constexpr int64_t kMaxElements = int64_t{1} << 40;
constexpr size_t kMaxText = 65536;
constexpr size_t kMaxTypeText = 4096;
constexpr int kMaxTypeDepth = 32;

enum class Kind { plain, integer, text, tuple, list, dict, dtype, storage, global, object };

/// What is known of a value that the unpickler would make.
struct Item {
  Kind kind = Kind::plain;
  int64_t number = 0;                             ///< integer: its value; dtype: bytes an element; storage: elements
  std::string text{};                             ///< text: its value; global: its qualified name
  std::vector<std::shared_ptr<Item>> elements{};  ///< of a tuple
  int depth = 0;
  int64_t parts = 1;    ///< itself, and all that it holds
  bool shared = false;  ///< fetched from the memo: no longer filled, so that nothing can hold itself
};
using ItemPointer = std::shared_ptr<Item>;

const std::map<std::string, int64_t, std::less<>> kStorages{
    {"torch.FloatStorage", 4}, {"torch.DoubleStorage", 8}, {"torch.HalfStorage", 2},  {"torch.BFloat16Storage", 2},
    {"torch.LongStorage", 8},  {"torch.IntStorage", 4},    {"torch.ShortStorage", 2}, {"torch.CharStorage", 1},
    {"torch.ByteStorage", 1},  {"torch.BoolStorage", 1}};

constexpr std::array kFunctions{"torch._utils._rebuild_tensor_v2",
                                "torch.jit._pickle.build_intlist",
                                "torch.jit._pickle.build_tensorlist",
                                "torch.jit._pickle.build_doublelist",
                                "torch.jit._pickle.build_boollist",
                                "torch.jit._pickle.restore_type_tag",
                                "collections.OrderedDict",
                                "torch.device"};

bool isScriptClass(const std::string& name) { return name.starts_with("__torch__.") && !name.starts_with("__torch__.torch.classes"); }

class Checker {
 public:
  Checker(std::string_view bytes, const RecordBytes& recordBytes, const std::string& what)
      : bytes_(bytes), recordBytes_(recordBytes), what_(what) {}

  size_t run() {
    require(take() == '\x80' && take() == '\x02', "is not a pickle of protocol 2");
    for (;;) {
      const char opcode = take();
      if (opcode == '.') break;
      step(opcode);
    }
    require(stack_.size() == 1 && marks_.empty(), "does not end with one value");
    return longestText_;
  }

 private:
  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    check(condition, ErrorCode::format, what_, " ", parts..., " (byte ", position_, ")");
  }

  char take() { return take(1).front(); }

  std::string_view take(size_t count) {
    require(bytes_.size() - position_ >= count, "ends too early");
    const std::string_view taken = bytes_.substr(position_, count);
    position_ += count;
    return taken;
  }

  template <class Integer>
  Integer number() {
    Integer value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  std::string line() {
    const size_t end = bytes_.find('\n', position_);
    require(end != std::string_view::npos && end - position_ < 4096, "has a name without an end");
    std::string result(take(end - position_));
    take();
    return result;
  }

  void push(Item item) {
    requireSmall(item);
    stack_.push_back(std::make_shared<Item>(std::move(item)));
  }

  void requireSmall(const Item& item) const {
    require(item.depth <= kMaxNesting, "nests values more than ", kMaxNesting, " deep");
    require(item.parts <= kMaxParts, "holds values of more than ", kMaxParts, " parts");
  }

  void hold(Item& container, const Item& item) const {
    container.depth = std::max(container.depth, item.depth + 1);
    container.parts += item.parts;
    requireSmall(container);
  }

  /// The top value, which must lie above the last mark.
  ItemPointer pop() {
    require(stack_.size() > (marks_.empty() ? 0 : marks_.back()), "takes a value that is not there");
    ItemPointer item = std::move(stack_.back());
    stack_.pop_back();
    return item;
  }

  std::vector<ItemPointer> popToMark() {
    require(!marks_.empty(), "closes what it did not open");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<ItemPointer> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }

  void pushTuple(std::vector<ItemPointer> elements) {
    Item tuple{.kind = Kind::tuple, .depth = 1};
    for (const ItemPointer& element : elements) hold(tuple, *element);
    tuple.elements = std::move(elements);
    push(std::move(tuple));
  }

  void pushTuple(size_t count) {
    std::vector<ItemPointer> elements(count);
    for (size_t i = count; i-- > 0;) elements[i] = pop();
    pushTuple(std::move(elements));
  }

  void fill(Kind kind, const std::vector<ItemPointer>& items) {
    const ItemPointer container = pop();
    require(container->kind == kind && !container->shared, "fills what is no open ", kind == Kind::list ? "list" : "dictionary");
    require(kind == Kind::list || items.size() % 2 == 0, "has a key without a value");
    for (const ItemPointer& item : items) hold(*container, *item);
    stack_.push_back(container);
  }

  void put(size_t index) {
    require(!stack_.empty() && index <= memo_.size(), "keeps a value out of turn");
    if (index == memo_.size()) {
      memo_.push_back(stack_.back());
    } else {
      memo_[index] = stack_.back();
    }
  }

  void get(size_t index) {
    require(index < memo_.size(), "fetches a value it did not keep");
    memo_[index]->shared = true;
    stack_.push_back(memo_[index]);
  }

  void global() {
    const std::string module = line();
    const std::string name = module + "." + line();
    if (const auto storage = kStorages.find(name); storage != kStorages.end()) {
      return push({.kind = Kind::dtype, .number = storage->second});
    }
    const bool known = isScriptClass(name) || std::find(kFunctions.begin(), kFunctions.end(), name) != kFunctions.end();
    require(known, "names '", name, "', which is no plain data");
    push({.kind = Kind::global, .text = name});
  }

  /// `(storage, dtype, key, device, count)`: what a tensor's values are read from.
  void storage() {
    const ItemPointer tuple = pop();
    const auto& parts = tuple->elements;
    require(tuple->kind == Kind::tuple && parts.size() == 5 && parts[0]->text == "storage" && parts[1]->kind == Kind::dtype &&
                parts[2]->kind == Kind::text && parts[3]->kind == Kind::text && parts[4]->kind == Kind::integer,
            "has a storage that is none");
    const int64_t count = parts[4]->number;
    const std::optional<uint64_t> bytes = recordBytes_(parts[2]->text);
    require(bytes.has_value() || count == 0, "reads tensor '", parts[2]->text, "', which the file has not");
    require(count >= 0 && count <= kMaxElements && static_cast<uint64_t>(count * parts[1]->number) <= bytes.value_or(0), "claims ", count,
            " values of ", parts[1]->number, " bytes in tensor '", parts[2]->text, "', which has ", bytes.value_or(0), " bytes");
    push({.kind = Kind::storage, .number = count});
  }

  /// Takes its arguments, of which there are none; the class stays.
  void newObject() {
    const ItemPointer arguments = pop();
    require(arguments->kind == Kind::tuple && arguments->elements.empty(), "makes an object with arguments");
    require(!stack_.empty() && stack_.back()->kind == Kind::global && isScriptClass(stack_.back()->text), "makes an object of no class");
  }

  /// An object of a class of the code, from a dictionary of its attributes.
  void build() {
    const ItemPointer attributes = pop(), made = pop();
    require(made->kind == Kind::global && isScriptClass(made->text), "fills what is no object");
    require(attributes->kind == Kind::dict, "fills an object of ", made->text, " with what is no dictionary");
    push({.kind = Kind::object, .depth = attributes->depth + 1});
  }

  void call() {
    const ItemPointer argument = pop(), function = pop();
    require(function->kind == Kind::global, "calls what is no function");
    const std::string& name = function->text;
    const auto& parts = argument->elements;
    require(!isScriptClass(name), "calls ", name, ", which is no function");
    require(argument->kind == Kind::tuple, "calls ", name, " without a tuple");
    if (name == "torch._utils._rebuild_tensor_v2") return tensor(parts);
    if (name == "collections.OrderedDict") return push({});
    require(!parts.empty(), "calls ", name, " without an argument");
    if (name == "torch.device") {
      require(parts[0]->kind == Kind::text, "has a device that is none");
      return push({});
    }
    const bool tag = name == "torch.jit._pickle.restore_type_tag";
    require(parts[0]->kind == Kind::list || (tag && parts[0]->kind == Kind::dict), "calls ", name, " without a list");
    require(!tag || (parts.size() == 2 && isPlainType(*parts[1])), "calls ", name, " without a type that is known");
    stack_.push_back(parts[0]);
  }

  /// `Dict[str, List[Tensor]]`: it is parsed by recursion.
  static bool isPlainType(const Item& item) {
    if (item.kind != Kind::text || item.text.size() > kMaxTypeText) return false;
    int depth = 0;
    for (const char c : item.text) {
      if (c == '[' || c == '(' || c == '{') ++depth;
      if (c == ']' || c == ')' || c == '}') --depth;
      if (depth > kMaxTypeDepth ||
          (std::isalnum(static_cast<unsigned char>(c)) == 0 && std::string_view("_.,[] ").find(c) == std::string_view::npos))
        return false;
    }
    return true;
  }

  std::string text() {
    const auto size = number<uint32_t>();
    require(size <= kMaxText, "has a text of ", size, " bytes, expected at most ", kMaxText);
    longestText_ = std::max<size_t>(longestText_, size);
    return std::string(take(size));
  }

  void tensor(const std::vector<ItemPointer>& parts) {
    require(parts.size() == 6 && parts[0]->kind == Kind::storage && parts[1]->kind == Kind::integer && parts[2]->kind == Kind::tuple &&
                parts[3]->kind == Kind::tuple && parts[2]->elements.size() == parts[3]->elements.size(),
            "has a tensor that is none");
    // The last element's place, in a type that cannot overflow while sizes, strides and their sums stay below 2^40.
    int64_t last = parts[1]->number;
    bool empty = false;
    require(last >= 0 && last <= kMaxElements, "has a tensor outside its storage");
    for (size_t i = 0; i < parts[2]->elements.size(); ++i) {
      const Item &size = *parts[2]->elements[i], &stride = *parts[3]->elements[i];
      require(size.kind == Kind::integer && stride.kind == Kind::integer && size.number >= 0 && stride.number >= 0 &&
                  size.number <= kMaxElements && stride.number <= kMaxElements,
              "has a tensor of impossible size");
      if (size.number == 0) empty = true;
      if (size.number > 1 && stride.number > 0) {
        require(size.number - 1 <= kMaxElements / stride.number, "has a tensor outside its storage");
        last += (size.number - 1) * stride.number;
        require(last <= kMaxElements, "has a tensor outside its storage");
      }
    }
    require(empty || last < parts[0]->number, "has a tensor that ends at value ", last + 1, " of ", parts[0]->number, " in its storage");
    push({});
  }

  void step(char opcode) {
    switch (opcode) {
      case '(':
        return marks_.push_back(stack_.size());
      case ']':
        return push({.kind = Kind::list, .depth = 1});
      case '}':
        return push({.kind = Kind::dict, .depth = 1});
      case ')':
        return pushTuple(std::vector<ItemPointer>{});
      case 't':
        return pushTuple(popToMark());
      case '\x85':
        return pushTuple(1);
      case '\x86':
        return pushTuple(2);
      case '\x87':
        return pushTuple(3);
      case 'e':
        return fill(Kind::list, popToMark());
      case 'a':
        return fill(Kind::list, {pop()});
      case 'u':
        return fill(Kind::dict, popToMark());
      case 's': {
        ItemPointer value = pop(), key = pop();
        return fill(Kind::dict, {std::move(key), std::move(value)});
      }
      case 'q':
        return put(number<uint8_t>());
      case 'r':
        return put(number<uint32_t>());
      case 'h':
        return get(number<uint8_t>());
      case 'j':
        return get(number<uint32_t>());
      case 'N':
      case '\x88':
      case '\x89':
        return push({});
      case 'K':
        return push({.kind = Kind::integer, .number = number<uint8_t>()});
      case 'M':
        return push({.kind = Kind::integer, .number = number<uint16_t>()});
      case 'J':
        return push({.kind = Kind::integer, .number = number<int32_t>()});
      case '\x8a':
        require(number<uint8_t>() == 8, "has an integer that is not of 8 bytes");
        return push({.kind = Kind::integer, .number = number<int64_t>()});
      case 'G':
        take(8);
        return push({});
      case 'X':
        return push({.kind = Kind::text, .text = text()});
      case 'c':
        return global();
      case '\x81':
        return newObject();
      case 'b':
        return build();
      case 'R':
        return call();
      case 'Q':
        return storage();
      default:
        require(false, "has an instruction ", static_cast<int>(static_cast<unsigned char>(opcode)), " that TorchScript does not write");
    }
  }

  std::string_view bytes_;
  const RecordBytes& recordBytes_;
  const std::string& what_;
  size_t position_ = 0;
  size_t longestText_ = 0;
  std::vector<ItemPointer> stack_, memo_;
  std::vector<size_t> marks_;
};

}  // namespace

size_t checkPickle(std::string_view bytes, const RecordBytes& recordBytes, const std::string& what) {
  return Checker(bytes, recordBytes, what).run();
}

}  // namespace cumulens
