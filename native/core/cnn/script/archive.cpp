#include "core/cnn/script/archive.h"

#include "core/cnn/script/code_check.h"
#include "core/cnn/script/pickle_check.h"
#include "core/runtime/error.h"

#include <c10/core/GradMode.h>
#include <caffe2/serialize/inline_container.h>
#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <map>
#include <string_view>

namespace cumulens {
namespace {

/// Of a file that describes, rather than holds, weights.
constexpr size_t kMaxDescriptionBytes = size_t{64} << 20;

class Bytes final : public caffe2::serialize::ReadAdapterInterface {
 public:
  explicit Bytes(at::Tensor bytes) : bytes_(std::move(bytes)) {}
  size_t size() const override { return static_cast<size_t>(bytes_.numel()); }
  size_t read(uint64_t position, void* buffer, size_t count, const char*) const override {
    if (position >= size()) return 0;
    const size_t taken = std::min<uint64_t>(count, size() - position);
    std::memcpy(buffer, bytes_.const_data_ptr<uint8_t>() + position, taken);
    return taken;
  }

 private:
  at::Tensor bytes_;
};

using Reader = caffe2::serialize::PyTorchStreamReader;

std::string readRecord(Reader& reader, const std::string& name) {
  check(reader.getRecordSize(name) <= kMaxDescriptionBytes, ErrorCode::format, "'", name, "' in the archive has ",
        reader.getRecordSize(name), " bytes, expected at most ", kMaxDescriptionBytes);
  const auto [data, size] = reader.getRecord(name);
  return {static_cast<const char*>(data.get()), size};
}

std::string lowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// The reader finds records whatever their case, and cuts long names in its list alone: each must be found by the one name under which it
/// is checked.
void checkNames(Reader& reader, const std::vector<std::string>& records) {
  std::map<std::string, std::string> known;
  for (const std::string& name : records) {
    check(reader.hasRecord(name), ErrorCode::format, "has a record whose name is too long: '", name.substr(0, 60), "…'");
    const std::string folded = lowerCase(name);
    const auto [other, added] = known.emplace(folded, name);
    check(added, ErrorCode::format, "has records whose names differ by case alone: '", other->second, "' and '", name, "'");
    const bool code = folded.starts_with("code/") && folded.ends_with(".py");
    check(!code || (name.starts_with("code/") && name.ends_with(".py")), ErrorCode::format, "has code in '", name,
          "', expected 'code/….py'");
  }
}

void checkRecords(Reader& reader) {
  const std::vector<std::string> records = reader.getAllRecords();
  checkNames(reader, records);
  const auto has = [&](std::string_view name) { return std::find(records.begin(), records.end(), name) != records.end(); };
  const bool code = std::any_of(records.begin(), records.end(), [](const auto& name) { return name.starts_with("code/"); });
  check(!has("model.json"), ErrorCode::format, "is a TorchScript file of before PyTorch 1.4: save it again with a newer PyTorch");
  check(code || !has("data.pkl"), ErrorCode::format,
        "holds pickled Python objects (torch.save of a model or of its weights), which are not loaded: unpickling them can run "
        "anything. Export the model with torch.jit.trace(model.eval(), example).save('model.pt'), or its weights with "
        "safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')");
  check(code && has("data.pkl") && has("constants.pkl"), ErrorCode::format, "is a zip archive, but not of TorchScript");
  std::map<std::string, size_t> longestText;
  for (const std::string archive : {"constants", "data"}) {
    const RecordBytes bytes = [&](const std::string& key) -> std::optional<uint64_t> {
      const std::string record = archive + "/" + key;
      return has(record) ? std::optional<uint64_t>(reader.getRecordSize(record)) : std::nullopt;
    };
    const std::string name = archive + ".pkl";
    longestText[archive] = checkPickle(readRecord(reader, name), bytes, "'" + name + "' in the archive");
  }
  std::map<std::string, std::string> sources;
  for (const std::string& name : records) {
    if (name.starts_with("code/") && name.ends_with(".py")) sources[name] = readRecord(reader, name);
  }
  checkCode(sources, longestText["constants"]);
  check(!has("byteorder") || readRecord(reader, "byteorder") == "little", ErrorCode::format,
        "was saved on a big-endian machine: save it again on a little-endian one");
}

}  // namespace

torch::jit::Module loadScriptArchive(const at::Tensor& bytes) {
  check(bytes.dim() == 1 && bytes.scalar_type() == at::kByte && bytes.is_cpu() && bytes.is_contiguous(), ErrorCode::format,
        "a TorchScript archive is uint8 [n], got ", bytes.sizes());
  const auto source = std::make_shared<Bytes>(bytes);
  Reader reader(source);
  checkRecords(reader);
  const c10::AutoGradMode mode(c10::GradMode::is_enabled());  // nothing that is folded may leave another
  return torch::jit::load(source, c10::Device(c10::kCPU), /*load_debug_files=*/false);
}

}  // namespace cumulens
